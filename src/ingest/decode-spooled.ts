import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { decodePage } from './decode-page.js'
import { bodyOf } from './receive-page.js'
import type { SpooledPage } from './spool.js'

/**
 * A spooled body as a table of text, whatever it was received as.
 * @param file   the body as a local file
 * @param folder local folder for what has to be unpacked
 */
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
