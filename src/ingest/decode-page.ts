import { decodePageWith } from '../sources/decode/decode-page.js'
import { decodeParquet } from './decode-parquet.js'

/** Makes a page readable, whatever its format, Parquet among them. */
export const decodePage = decodePageWith(decodeParquet)
