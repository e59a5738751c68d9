import { decodeJson } from './decode-json.js'
import type { DecodePage } from './decoded-page.js'

/** Makes a page readable, whatever its format; see {@link DecodePage}. */
export const decodePage: DecodePage = async (body, format, _scratch) => {
  if (format.kind === 'json') return decodeJson(body, format)
  throw new Error('not yet')
}
