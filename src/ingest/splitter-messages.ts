import type { ErrorRecord } from '../kernel/errors.js'
import type { DivisionSettings } from './division-rule.js'
import type { CsvPage, SplitPage, SplitSource } from './split-pages.js'

/** What the thread is told first. */
export interface ThreadStart {
  readonly folder: string
  readonly division: DivisionSettings
}

/**
 * What the thread is told then: a page, its bytes block by block or how many of them its file has, its end; then the next page, or that it was the
 * last.
 */
export type ToThread =
  | {
      readonly kind: 'page'
      readonly page: Omit<CsvPage, 'bytes' | 'plain'>
      readonly file: string | undefined
    }
  | { readonly kind: 'bytes'; readonly block: Uint8Array<ArrayBuffer>; readonly length: number }
  | { readonly kind: 'grown'; readonly bytes: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'finish' }

/** What the thread answers: blocks that it has read, the end of a page, all rows. */
export type FromThread =
  | { readonly kind: 'block'; readonly block: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'taken'; readonly page: SplitPage }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  | { readonly kind: 'split'; readonly split: SplitSource }
