/**
 * What a publisher offers for one source, as far as it can be told without reading the rows.
 * For files, a page is a file.
 */
export interface PageOffer {
  /** Number of the page within the source, from 0, stable while the publication does not change. */
  readonly page: number
  /** Where it comes from, for people and records: a URL, or the path inside a mirror. */
  readonly url: string
  /** Changes whenever the content may have changed; undefined when the publisher gives no sign. */
  readonly changeToken: string | undefined
  /** When the publisher says it was last changed, ISO 8601 UTC. */
  readonly publishedAt: string | undefined
}

/** The body of one page, exactly as received. */
export interface PageBody {
  readonly offer: PageOffer
  /** Bytes in order; ends with an error when the transfer broke. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** One source of a dataset: describes what is there, then reads it page by page in a total order. */
export interface Source {
  /**
   * The pages of the current publication, in reading order.
   * @throws WardbookError 'source-empty-list' (fix-config) when there is nothing to read
   */
  describe(): Promise<PageOffer[]>

  /**
   * The body of one page.
   * @throws WardbookError 'portal-unreachable' or 'portal-failed' (retry), 'source-not-found' (fix-source)
   */
  read(offer: PageOffer): Promise<PageBody>
}
