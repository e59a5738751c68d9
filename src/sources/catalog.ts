import type { SourceFamily } from '../contracts/source-config.js'
import type { PublishedColumn } from './source.js'

/** One thing that a portal lists, for discovery: what a city file could name. Nothing of it has been read. */
export interface CatalogEntry {
  /** As a source's settings take it: a Socrata 4x4, a CKAN resource id, the address of a layer. */
  readonly id: string
  /** Title as the portal lists it. */
  readonly name: string
  /** First 500 characters of what the publisher says of it, as sent. */
  readonly description?: string
  /** Columns by the portal's list; empty where only a description of the thing itself tells them. */
  readonly columns: readonly PublishedColumn[]
  /** Rows by the portal's list, which may be old. */
  readonly rows?: number
  /** When its rows last changed, as the portal says, ISO 8601. */
  readonly updatedAt?: string
  /** The portal's own word for what it is: `dataset`, `CSV`, `Feature Layer`. */
  readonly kind: string
  /** Page for people. */
  readonly link: string
  readonly family: SourceFamily
}

const DESCRIPTION_CHARACTERS = 500

/** A description short enough to be kept many times. @returns nothing to spread when there is none */
export function describedBy(text: string | null | undefined): { description?: string } {
  const short = text?.trim().slice(0, DESCRIPTION_CHARACTERS).toWellFormed() ?? ''
  return short === '' ? {} : { description: short }
}
