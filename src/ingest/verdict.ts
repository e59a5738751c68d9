import type { Offer, Publication } from '../sources/source.js'

/** What a read of one offer came to: what it was when the read began and ended, and what was received. */
export interface OfferRead {
  readonly before: Offer
  /** Undefined when the portal no longer lists it. */
  readonly after: Offer | undefined
  /** Rows received, good and bad. */
  readonly rows: number
  /** Rows that stand in more than one page, where pages may not share a row; undefined for a read of one page. */
  readonly repeated: number | undefined
}

/**
 * `complete`: exactly the publication. `changed`: the portal says that it was changed while it was read. `count-differs`: rows received
 * and the portal's count do not agree, and the portal tells of no change. `rows-repeated`: pages overlap, so others are missing.
 */
export type Verdict =
  | { readonly kind: 'complete' }
  | { readonly kind: 'changed'; readonly what: string }
  | { readonly kind: 'count-differs'; readonly counted: number; readonly received: number }
  | { readonly kind: 'rows-repeated'; readonly repeated: number }

/**
 * Judges a read. A portal that gives neither a count nor a change token is believed: there is nothing to hold against it.
 * @param tolerance largest share by which rows may differ from the portal's count, 0 to 0.5
 */
export function judgeRead({ before, after, rows, repeated }: OfferRead, tolerance: number): Verdict {
  const changed = changeBetween(before, after)
  if (changed !== undefined) return { kind: 'changed', what: changed }
  if (repeated !== undefined && repeated > 0) return { kind: 'rows-repeated', repeated }
  const counted = before.rows
  if (counted !== undefined && Math.abs(rows - counted) > counted * tolerance)
    return { kind: 'count-differs', counted, received: rows }
  return { kind: 'complete' }
}

/** What differs between two descriptions of an offer, in words; undefined when nothing does. */
export function changeBetween(before: Offer, after: Offer | undefined): string | undefined {
  if (after === undefined) return 'it is no longer listed'
  if (before.changeToken !== after.changeToken)
    return `its change token was ${before.changeToken ?? 'none'} and is ${after.changeToken ?? 'none'}`
  if (before.rows !== after.rows) return `it had ${before.rows} rows and has ${after.rows}`
  const [had, has] = [columnsOf(before), columnsOf(after)]
  return had === has ? undefined : `its columns were ${had} and are ${has}`
}

/** True when the portal's own tokens say that a publication is the one that was read, offer by offer. */
export function isKnown(
  publication: Publication,
  known: readonly { readonly name: string; readonly changeToken?: string | undefined }[],
): boolean {
  const { offers } = publication
  const tokens = new Map(known.map(({ name, changeToken }) => [name, changeToken]))
  return (
    offers.length === known.length &&
    offers.every(({ name, changeToken }) => changeToken !== undefined && tokens.get(name) === changeToken)
  )
}

function columnsOf(offer: Offer): string {
  return (offer.columns ?? [])
    .map(({ name, type }) => (type === undefined ? name : `${name} ${type}`))
    .join(', ')
}
