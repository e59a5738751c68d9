/** How a layer is read, stored as `Offer.plan`: one strategy for the whole read, never two mixed. */
export type ArcgisPlan = PagesPlan | RangesPlan | IntervalsPlan | WholePlan

interface AnyPlan {
  /** Address of the layer. */
  readonly layer: string
  readonly where: string
  readonly outFields: string
  readonly geometry: boolean
  /** Rows a page. */
  readonly rows: number
  readonly columns: readonly string[]
}

/** In the order of the object id, each page above the last id of the page before. */
export interface PagesPlan extends AnyPlan {
  readonly strategy: 'pages'
  readonly oid: string
}

/** Ranges of object ids as wide as a page, from the lowest to the highest: never cut off, as ids are unique. */
export interface RangesPlan extends AnyPlan {
  readonly strategy: 'ranges'
  readonly oid: string
  readonly min: string
  readonly max: string
}

/**
 * Given intervals of object ids, first and last of each: chunks of the list of ids (`ids`), or halves of the range of ids until each
 * fits into a page (`bisect`).
 */
export interface IntervalsPlan extends AnyPlan {
  readonly strategy: 'ids' | 'bisect'
  readonly oid: string
  readonly intervals: readonly (readonly [string, string])[]
  /** Ids in the list; stands in for the count where the server does not count. */
  readonly listed?: number
}

/** One answer holds everything: a small layer without object ids. */
export interface WholePlan extends AnyPlan {
  readonly strategy: 'whole'
}
