import { z } from 'zod'
import type { PagedSourceConfig } from '../contracts/source-config.js'
import { digestOf, type Json, sha256Hex } from '../kernel/ids.js'
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
const SPOOL_VERSION = 2

const StoredRead = z.object({
  v: z.literal(SPOOL_VERSION),
  offer: z.custom<Offer>(isObject),
  /** Digest of all other settings that the source was read with. */
  settings: z.string(),
  /** Columns that are not in the pages. */
  drops: z.array(z.string()),
})
type StoredRead = z.infer<typeof StoredRead>
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
  private readonly settings: string
  private readonly drops: readonly string[]

  /** @param config of the source, by which its pages are asked for and what of them is kept */
  constructor(
    private readonly store: ObjectStore,
    private readonly root: string,
    { drops, ...config }: PagedSourceConfig,
  ) {
    this.settings = digestOf(config as unknown as Json)
    this.drops = drops
  }

  /**
   * The read of an offer that an earlier run began, as long as the publisher's change token and the source's settings are the same; anything
   * else is thrown away, and the read begins now. Without a change token nothing can be kept. Columns may be dropped since: whoever reads the
   * pages again cuts them off; those that are not dropped any more are missing in the pages, and nothing is kept.
   */
  async resume(offer: Offer): Promise<SpooledRead> {
    const stored = StoredRead.safeParse(await this.json(this.offerKey(offer)))
    if (stored.success && this.goesOn(stored.data, offer)) {
      const begun = underTodaysDrops(stored.data.offer, offer)
      if (stored.data.drops.length < this.drops.length) await this.begin(begun)
      return { offer: begun, pages: await this.pages(offer) }
    }
    await this.discard(offer)
    await this.begin(offer)
    return { offer, pages: [] }
  }

  /** Whether {@link resume} would bring pages of this very offer. */
  async hasPages(offer: Offer): Promise<boolean> {
    const stored = StoredRead.safeParse(await this.json(this.offerKey(offer)))
    return stored.success && this.goesOn(stored.data, offer) && (await this.page(offer, 0)) !== undefined
  }

  private goesOn({ offer, settings, drops }: StoredRead, { changeToken }: Offer): boolean {
    const isSame =
      changeToken !== undefined && offer.changeToken === changeToken && settings === this.settings
    return isSame && drops.every((name) => this.drops.includes(name))
  }

  private begin(offer: Offer): Promise<void> {
    const stored = { v: SPOOL_VERSION, offer, settings: this.settings, drops: this.drops }
    return this.write(this.offerKey(offer), stored)
  }

  /**
   * Moves a page's body into the spool and records it.
   * @param file local file with the body; it is moved
   */
  async add(offer: Offer, record: PageRecord, file: string, form: SpooledPage['form']): Promise<SpooledPage> {
    const name = pageName(record.request.page)
    // What a killed run left under the name has the same bytes: received ones, or what the same drops left of them.
    const cut = form === 'strict' ? `-${digestOf([...this.drops]).slice(0, 8)}` : ''
    const body = `${this.folder(offer)}/${name}-${record.sha256.slice(0, 24)}${cut}`
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
    for (;;) {
      const page = await this.page(offer, pages.length)
      if (page === undefined) return pages
      pages.push(page)
    }
  }

  /** A page that lies whole in the spool. */
  private async page(offer: Offer, number: number): Promise<SpooledPage | undefined> {
    const stored = StoredPage.safeParse(await this.json(`${this.folder(offer)}/${pageName(number)}.json`))
    if (!stored.success || (await this.store.stat(stored.data.page.body)) === undefined) return undefined
    return stored.data.page
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

/** The offer as the read began with it, but for what dropped columns make of it: its key may be for paging alone now, its labels gone. */
function underTodaysDrops({ derived: _, key, ...begun }: Offer, { derived, key: listed }: Offer): Offer {
  return {
    ...begun,
    ...(key === undefined ? {} : { key: { ...key, hidden: listed?.hidden ?? key.hidden } }),
    ...(derived === undefined ? {} : { derived }),
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
