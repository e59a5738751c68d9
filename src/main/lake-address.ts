import { resolve } from 'node:path'
import type { S3Settings } from '../lake/s3/settings.js'

/** Variables of the environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What an address names. */
export type LakePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly settings: S3Settings }

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//

/** What kind of place an address names, in the words of URLs; undefined for a folder. */
export function schemeOf(address: string): string | undefined {
  return SCHEME.exec(address)?.[1]
}

/** The address in a form that does not depend on the working directory: folders become absolute. */
export function absoluteAddress(address: string): string {
  return schemeOf(address) === undefined ? resolve(address) : address
}
