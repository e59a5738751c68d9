import { type DecodeParquet, decodeFile } from './decode-file.js'
import { decodeJson } from './decode-json.js'
import type { DecodePage } from './decoded-page.js'

/** Makes a page readable, whatever its format; see {@link DecodePage}. Parquet is refused: see {@link decodePageWith}. */
export const decodePage: DecodePage = decodePageWith()

/** The same with a reader of Parquet, which needs an engine that sources do not know. */
export function decodePageWith(parquet?: DecodeParquet): DecodePage {
  return async (body, format, scratch) =>
    format.kind === 'json' ? decodeJson(body, format) : decodeFile(body, format, scratch, parquet)
}
