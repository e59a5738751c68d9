import type { DecodedPage } from '../sources/decode/decoded-page.js'
import type { GuessedEncoding } from '../sources/decode/text-encoding.js'
import { decodePage } from './decode-page.js'
import { bodyOf } from './receive-page.js'
import type { SpooledPage } from './spool.js'

/**
 * A spooled body as a table of text, whatever it was received as.
 * @param file   the body as a local file
 * @param folder local folder for what has to be unpacked
 * @param encoding of its text, where it is known
 */
export async function decodeSpooled(
  { record, form }: SpooledPage,
  file: string,
  folder: string,
  encoding?: GuessedEncoding,
): Promise<DecodedPage> {
  const body = bodyOf(record.request.url, file)
  const { format } = record.request
  if (form === 'received') {
    const known = encoding && format.kind === 'file' ? { ...format, encoding } : format
    return decodePage(body, known, folder)
  }
  const { signals } = record
  return { form: 'strict', delimiter: ',', columns: signals.columns, open: body.open, signals }
}
