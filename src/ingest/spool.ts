import { z } from 'zod'
import { sha256Hex } from '../kernel/ids.js'
import type { ObjectStore } from '../lake/store.js'
import type { Offer, PageRecord } from '../sources/source.js'

/** A page that was received whole and lies in the spool. */
export interface SpooledPage {
  readonly record: PageRecord
  /** Object that holds the body. */
  readonly body: string
  /** `received`: exactly the bytes of the record's digest. `strict`: columns were dropped, and the rest was written as strict CSV. */
  readonly form: 'received' | 'strict'
}

/** What lies in the spool of one offer: how the read began, and the pages since. */
export interface SpooledRead {
  readonly offer: Offer
  readonly pages: readonly SpooledPage[]
}

/** Written by this release only: a spool of another version is read anew. */
const SPOOL_VERSION = 1

const StoredRead = z.object({ v: z.literal(SPOOL_VERSION), offer: z.custom<Offer>(isObject) })
const StoredPage = z.object({
  v: z.literal(SPOOL_VERSION),
  page: z.object({
    record: z.custom<PageRecord>(isObject),
    body: z.string(),
    form: z.enum(['received', 'strict']),
  }),
})

/**
 * Pages of a read that is not committed yet, below `spool/<dataset>/<source>/`, one folder an offer. A page is there when its record is,
 * and the record comes after the body: what a killed run leaves is a shorter list of whole pages.
 */
export class Spool {
  constructor(
    private readonly store: ObjectStore,
    private readonly root: string,
  ) {}

  /**
   * The read of an offer that an earlier run began, as long as the publisher's change token is the same; anything else is thrown away,
   * and the read begins now. Without a change token nothing can be kept.
   */
  async resume(offer: Offer): Promise<SpooledRead> {
    const kept = StoredRead.safeParse(await this.json(this.offerKey(offer)))
    const isSame =
      kept.success && offer.changeToken !== undefined && kept.data.offer.changeToken === offer.changeToken
    if (kept.success && isSame) return { offer: kept.data.offer, pages: await this.pages(offer) }
    await this.discard(offer)
    await this.write(this.offerKey(offer), { v: SPOOL_VERSION, offer })
    return { offer, pages: [] }
  }

  /**
   * Moves a page's body into the spool and records it.
   * @param file local file with the body; it is moved
   */
  async add(offer: Offer, record: PageRecord, file: string, form: SpooledPage['form']): Promise<SpooledPage> {
    const name = pageName(record.request.page)
    const body = `${this.folder(offer)}/${name}-${record.sha256.slice(0, 24)}`
    await this.store.createIfAbsent(body, { file })
    const page = { record, body, form }
    await this.write(`${this.folder(offer)}/${name}.json`, { v: SPOOL_VERSION, page })
    return page
  }

  /** Throws a read away: it begins anew. The record goes first, so that no page without a body is ever listed. */
  async discard(offer: Offer): Promise<void> {
    await this.store.delete(this.offerKey(offer))
    await deleteAll(this.store, `${this.folder(offer)}/`)
  }

  /** Empties the spool of the source, after its pages are committed. */
  async clear(): Promise<void> {
    await deleteAll(this.store, `${this.root}/`)
  }

  private async pages(offer: Offer): Promise<SpooledPage[]> {
    const pages: SpooledPage[] = []
    for (let number = 0; ; number++) {
      const stored = StoredPage.safeParse(await this.json(`${this.folder(offer)}/${pageName(number)}.json`))
      if (!stored.success || (await this.store.stat(stored.data.page.body)) === undefined) return pages
      pages.push(stored.data.page)
    }
  }

  private async json(key: string): Promise<unknown> {
    const bytes = await this.store.get(key)
    if (bytes === undefined) return undefined
    try {
      return JSON.parse(new TextDecoder().decode(bytes))
    } catch {
      return undefined // of another make: read anew
    }
  }

  /** Replaces what an earlier read left under the name. */
  private async write(key: string, value: object): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(value))
    if ((await this.store.createIfAbsent(key, bytes)) === 'created') return
    await this.store.delete(key)
    await this.store.createIfAbsent(key, bytes)
  }

  private offerKey(offer: Offer): string {
    return `${this.folder(offer)}/offer.json`
  }

  private folder(offer: Offer): string {
    return `${this.root}/${sha256Hex(offer.name).slice(0, 16)}`
  }
}

async function deleteAll(store: ObjectStore, prefix: string): Promise<void> {
  for await (const { key } of store.list(prefix)) await store.delete(key)
}

function pageName(page: number): string {
  return `page-${String(page).padStart(6, '0')}`
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
