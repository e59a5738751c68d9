import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scratch } from '../lake/store.js'
import { decodePage } from '../sources/decode/decode-page.js'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv, sameColumn } from '../sources/files/read-csv.js'
import type { Offer } from '../sources/source.js'
import { KeySet } from './key-set.js'
import { bodyOf } from './receive-page.js'
import { type ScannedPage, scanPage } from './scan-page.js'
import type { IngestContext, SourceWork } from './source-work.js'
import type { SpooledPage, SpooledRead } from './spool.js'

/** An offer with all its pages counted. */
export interface ScannedOffer {
  readonly offer: Offer
  readonly pages: readonly ScannedPage[]
  /** Rows whose key stood in an earlier row of the offer; undefined where it was read in one page, or names no key. */
  readonly repeated: number | undefined
}

/** Counts every row of every page; pages are numbered over all offers, from 0. */
export async function scanOffers(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  reads: readonly SpooledRead[],
): Promise<ScannedOffer[]> {
  const scanned: ScannedOffer[] = []
  let page = 0
  for (const { offer, pages } of reads) {
    const keys = offer.key !== undefined && pages.length > 1 ? new KeySet() : undefined
    const done: ScannedPage[] = []
    for (const spooled of pages) {
      done.push(await scanOne(context, work, scratch, { offer, spooled, page, keys }))
      page += 1
    }
    scanned.push({ offer, pages: done, repeated: keys?.repeated })
  }
  return scanned
}

async function scanOne(
  { store }: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  what: { offer: Offer; spooled: SpooledPage; page: number; keys: KeySet | undefined },
): Promise<ScannedPage> {
  const { offer, spooled, page, keys } = what
  const folder = join(scratch.folder, `page-${page}`)
  await mkdir(folder, { recursive: true })
  const staged = await store.stage(spooled.body)
  try {
    const decoded = await decodeSpooled(spooled, staged.file, folder)
    if (offer.key && keys) await addKeys(decoded, offer.key.column, keys)
    const shown = offer.key?.hidden ? dropColumns(decoded, [offer.key.column]) : decoded
    return await scanPage(shown, {
      spooled,
      page,
      file: staged.file,
      folder,
      partitionColumn: work.partitionFrom,
    })
  } finally {
    await staged.release()
  }
}

/** A spooled body as a table of text, whatever it was received as. */
export async function decodeSpooled(
  { record, form }: SpooledPage,
  file: string,
  folder: string,
): Promise<DecodedPage> {
  const body = bodyOf(record.request.url, file)
  if (form === 'received') return decodePage(body, record.request.format, folder)
  const { signals } = record
  return { form: 'strict', delimiter: ',', columns: signals.columns, open: body.open, signals }
}

async function addKeys(decoded: DecodedPage, column: string, keys: KeySet): Promise<void> {
  const at = decoded.columns.findIndex((name) => sameColumn(name, column))
  if (at < 0) return
  const reading = { delimiter: decoded.delimiter, partitionColumn: column, file: column }
  await readCsv(decoded.open(), reading, {
    onGood: (record) => keys.add(cellsOf(Buffer.from(record).toString('utf8'), decoded.delimiter)[at] ?? ''),
  })
}
