import { WardbookError } from '../../kernel/errors.js'
import type { FileFormat } from '../page-format.js'
import { isZip, openArchive } from './archive.js'
import { decodeCsv } from './decode-csv.js'
import { decodeJson } from './decode-json.js'
import { decodeWorkbook } from './decode-workbook.js'
import type { DecodedPage, PageBody } from './decoded-page.js'
import { findRows } from './find-rows.js'
import { asUtf8, likelyEncoding, markedEncoding } from './text-encoding.js'
import { describeStart, markBytes, refuseHtml, startOf } from './text-start.js'
import { MAX_LAYERS, onDisk, tooDeep, withoutGzip } from './unpack.js'

/** Makes Parquet readable as text; see {@link decodeFile}. */
export type DecodeParquet = (body: PageBody, scratch: string) => Promise<DecodedPage>

/**
 * A table in a file, recognized by its first bytes: gzip and zip are opened, then it is a workbook, Parquet, JSON of any shape, or CSV in any
 * encoding. Neither name nor content type is believed.
 * @param parquet reads Parquet; without it such a file is refused
 * @throws the errors of {@link import('./decoded-page.js').DecodePage}; 'parquet-unreadable' (fix-config)
 */
export async function decodeFile(
  body: PageBody,
  format: FileFormat,
  scratch: string,
  parquet?: DecodeParquet,
): Promise<DecodedPage> {
  return decodeLayer(body, format, scratch, parquet, 0)
}

async function decodeLayer(
  packed: PageBody,
  format: FileFormat,
  scratch: string,
  parquet: DecodeParquet | undefined,
  layer: number,
): Promise<DecodedPage> {
  if (layer > MAX_LAYERS) throw tooDeep(packed.name)
  const { body, layers } = await withoutGzip(packed, scratch)
  const start = await startOf(body)
  if (isZip(start)) {
    const archive = await openArchive(await onDisk(body), scratch)
    if (archive.isWorkbook) return decodeWorkbook(archive, format)
    return decodeLayer(archive.pick(format.member), format, scratch, parquet, layer + 1)
  }
  if (start.toString('latin1', 0, 4) === 'PAR1') {
    if (parquet === undefined) throw noParquet(body.name)
    return parquet(await onDisk(body), scratch)
  }
  refuseOthers(body.name, start)
  const text = await decodeText(body, format, start)
  return layer > 0 || layers > 0 || !text.isAsReceived ? text.page : { ...text.page, plain: packed }
}

interface DecodedText {
  readonly page: DecodedPage
  /** Whether the page's bytes are those of the text. */
  readonly isAsReceived: boolean
}

async function decodeText(body: PageBody, format: FileFormat, start: Buffer): Promise<DecodedText> {
  const told = format.encoding ?? markedEncoding(start)
  const { encoding, surely } = told ? { encoding: told } : await likelyEncoding(body)
  const isUtf8 = encoding === 'utf-8'
  const text: PageBody = isUtf8 ? body : { ...body, open: () => asUtf8(body, encoding) }
  const textStart = isUtf8 ? start : await startOf(text)
  refuseHtml(body.name, textStart)
  if (looksLikeJson(textStart)) {
    const sure = await surely?.()
    if (sure !== undefined && sure !== encoding) return decodeText(body, { ...format, encoding: sure }, start)
    return { page: await decodeJson(text, await findRows(text)), isAsReceived: false }
  }
  const page = await decodeCsv(text, format)
  return {
    page: surely ? { ...page, surely } : page,
    isAsReceived: isUtf8 && (format.headerRows ?? 1) === 1,
  }
}

/** JSON, and not CSV whose first name begins with a bracket. */
function looksLikeJson(start: Buffer): boolean {
  return /^[{[]\s*["{[\]}]/.test(describeStart(start.subarray(markBytes(start))))
}

/** Makes that are often published beside tables and hold none that we read. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['\xd0\xcf\x11\xe0', 'a workbook of the old make (.xls): save it as .xlsx or CSV'],
  ['%PDF', 'a PDF document'],
  ['SQLite format 3', 'an SQLite database: export the table as CSV'],
  ['Rar!', 'a RAR archive'],
  ['7z\xbc\xaf', 'a 7z archive'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd'],
  ['BZh', 'compressed with bzip2'],
]

function refuseOthers(file: string, start: Buffer): void {
  const other = OTHERS.find(([magic]) => start.toString('latin1', 0, magic.length) === magic)
  if (other === undefined) return
  throw new WardbookError('format-unknown', 'fix-source', `${file} is ${other[1]}`, {
    file,
    format: other[1],
  })
}

function noParquet(file: string): WardbookError {
  const message = `${file} is Parquet, for which no reader is set up here: read it as CSV`
  return new WardbookError('parquet-unreadable', 'fix-config', message, { file })
}
