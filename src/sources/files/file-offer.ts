import type { FilesSourceConfig } from '../../contracts/sources/files.js'
import type { Json } from '../../kernel/ids.js'
import type { FileFormat } from '../page-format.js'
import type { Offer, PageRecord, PageRequest } from '../source.js'

/** A file as an offer: what the city file says of its format is its plan. */
export function offerOf(
  config: FilesSourceConfig,
  told: Pick<Offer, 'name' | 'changeToken' | 'publishedAt'>,
): Offer {
  return { ...told, rows: undefined, columns: undefined, plan: formatOf(config) as unknown as Json }
}

/** A file is read in one page. */
export function nextFile(offer: Offer, done: readonly PageRecord[]): PageRequest | undefined {
  if (done.length > 0) return undefined
  return { page: 0, url: offer.name, format: offer.plan as unknown as FileFormat, resumable: true }
}

function formatOf({ delimiter, encoding, headerRows, sheet, member }: FilesSourceConfig): FileFormat {
  return {
    kind: 'file',
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(headerRows === 1 ? {} : { headerRows }),
    ...(sheet === undefined ? {} : { sheet }),
    ...(member === undefined ? {} : { member }),
  }
}
