import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Offer, PageRecord, PageRequest, Source } from '../src/sources/source.js'
import { readWhole, type SourceRead, type SourceRow } from './read-source.js'

/** A source over a table that is known, at a portal that counts its requests. Fresh for each promise. */
export interface SourceTrial {
  /** The whole table in the portal's order, at least a few pages of it. */
  readonly rows: readonly SourceRow[]
  /** Columns that the source adds to the table's own, e.g. row ids. */
  readonly added?: readonly string[]
  /** Secrets that requests carry, where the family has any. */
  readonly secrets?: readonly string[]
  /** The source, as if in a new process each time. Waits between tries should be short or none. */
  open(): Source | Promise<Source>
  /** Requests that the portal has received. */
  requests(): number
  /** The publisher changes the content. */
  change?(): void | Promise<void>
  /** The next answer to a page breaks off in the middle. */
  breakNextPage?(): void
  /** From now on pages are answered with the portal's error, if it can be under status 200. */
  answerErrors?(): void
  close(): Promise<void>
}

type Promised = (trial: SourceTrial) => Promise<void>

/** Every promise of src/sources/source.ts, by its title. */
const PROMISES = {
  'describes the same publication the same way, in plain JSON, with names that are unique': async (trial) => {
    const first = await (await trial.open()).describe()
    expect(await (await trial.open()).describe()).toEqual(first)
    expect(JSON.parse(JSON.stringify(first))).toEqual(first)
    expect(first.offers.length).toBeGreaterThan(0)
    const names = first.offers.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { facts } of first.offers)
      expect(JSON.stringify(facts ?? {}).length).toBeLessThanOrEqual(16 * 1024)
  },
  'gives every row exactly once, with every cell': async (trial) => {
    const read = await readWhole(await trial.open())
    expect(read.finished).toBe(true)
    expect(comparable(read, trial)).toEqual(comparable({ rows: trial.rows }, trial))
    const count = sum(read.publication.offers.map(({ rows }) => rows))
    if (count !== undefined) expect(count).toBe(read.rows.length)
  },
  'reads in one order, each time the same': async (trial) => {
    const reads = [await readWhole(await trial.open()), await readWhole(await trial.open())]
    expect(reads[1]?.rows).toEqual(reads[0]?.rows)
    expect(reads[1]?.pages.map((pages) => pages.map(({ request }) => request))).toEqual(
      reads[0]?.pages.map((pages) => pages.map(({ request }) => request)),
    )
  },
  'plans its next page from offer and records alone, without a request': async (trial) => {
    const source = await trial.open()
    const read = await readWhole(source)
    const other = await trial.open()
    const before = trial.requests()
    for (const [at, offer] of read.publication.offers.entries()) {
      const pages = frozen(read.pages[at] as PageRecord[])
      for (let done = 0; done <= pages.length; done++) {
        const plan = () => other.nextPage(frozen(offer), pages.slice(0, done))
        expect(plan()).toEqual(plan())
        expect(json(plan())).toEqual(json(pages[done]?.request))
        expect(plan()?.page).toBe(done === pages.length ? undefined : done)
      }
    }
    expect(trial.requests()).toBe(before)
  },
  'goes on after any page, and asks for none of them again': async (trial) => {
    const whole = await readWhole(await trial.open())
    const pages = sum(whole.pages.map(({ length }) => length)) ?? 0
    for (let stop = 0; stop <= pages; stop++) {
      const stopped = await readWhole(await trial.open(), { stopAfterPages: stop })
      const before = trial.requests()
      const read = await readWhole(await trial.open(), { goOnFrom: stopped })
      expect(read.rows).toEqual(whole.rows)
      expect(trial.requests() - before, `requests after ${stop} of ${pages} pages`).toBe(pages - stop)
    }
  },
  'shows that the content has changed': async (trial) => {
    if (trial.change === undefined) return
    const before = (await (await trial.open()).describe()).offers
    await trial.change()
    const after = (await (await trial.open()).describe()).offers
    const signs = (offers: typeof before) =>
      offers.map(({ name, changeToken, rows }) => [name, changeToken, rows])
    if (before.some(({ changeToken }) => changeToken !== undefined))
      expect(signs(after)).not.toEqual(signs(before))
  },
  'gives all rows although a transfer breaks': async (trial) => {
    if (trial.breakNextPage === undefined) return
    for (const stopAfterPages of [0, 1]) {
      const source = await trial.open()
      const begun = await readWhole(source, { stopAfterPages })
      trial.breakNextPage()
      const read = await readWhole(source, { goOnFrom: begun })
      expect(comparable(read, trial)).toEqual(comparable({ rows: trial.rows }, trial))
    }
  },
  'ends with an error when the portal answers one, whatever the status': async (trial) => {
    if (trial.answerErrors === undefined) return
    const source = await trial.open()
    const begun = await readWhole(source, { stopAfterPages: 0 })
    trial.answerErrors()
    await expect(readWhole(source, { goOnFrom: begun, tries: 1 })).rejects.toMatchObject({
      name: 'WardbookError',
    })
  },
  'gives the rows that changed, as many as it counts, and one column of all rows, where it dates them':
    async (trial) => {
      const source = await trial.open()
      const publication = await source.describe()
      if (publication.offers.some(({ changes, rows }) => changes === undefined || rows === undefined)) return
      const [column = ''] = Object.keys(trial.rows[0] ?? {})
      const rowsOf = async (narrowed: (offer: Offer) => Offer | undefined | Promise<Offer | undefined>) => {
        const rows: SourceRow[] = []
        for (const offer of publication.offers) {
          const one = (await narrowed(offer)) as Offer
          const begun = {
            publication: { ...publication, offers: [one] },
            pages: [[]],
            rows: [],
            finished: false,
          }
          const read = await readWhole(source, { goOnFrom: begun })
          expect(read.rows).toHaveLength(one.rows as number)
          rows.push(...read.rows)
        }
        return rows
      }
      const all = await rowsOf((offer) => source.changedSince?.(offer, '1970-01-01T00:00:00.000Z'))
      expect(comparable({ rows: all }, trial)).toEqual(comparable({ rows: trial.rows }, trial))
      const keys = await rowsOf((offer) => source.keysOf?.(offer, column))
      expect(keys.map((row) => row[column])).toEqual(trial.rows.map((row) => row[column]))
      for (const offer of publication.offers) expect(source.keysOf?.(offer, 'no such column')).toBeUndefined()
    },
  'shows a secret nowhere': async (trial) => {
    const source = await trial.open()
    const texts = [JSON.stringify(await readWhole(source))]
    trial.answerErrors?.()
    await readWhole(await trial.open(), { tries: 1 }).catch((thrown) => {
      texts.push(String(thrown), JSON.stringify(thrown.facts ?? {}))
    })
    for (const secret of trial.secrets ?? []) for (const text of texts) expect(text).not.toContain(secret)
  },
} satisfies Record<string, Promised>

/** Title of a promise that a family may be unable to keep. */
export type SourcePromise = keyof typeof PROMISES

/**
 * Runs every promise against a source.
 * @param cannot promises that it cannot keep, each with the reason: shown as skipped, never silently left out
 */
export function describeSource(
  name: string,
  start: () => Promise<SourceTrial>,
  cannot: Partial<Record<SourcePromise, string>> = {},
): void {
  describe(name, () => {
    let trial: SourceTrial
    beforeEach(async () => {
      trial = await start()
    })
    afterEach(() => trial.close())
    for (const [title, promised] of Object.entries(PROMISES) as [SourcePromise, Promised][]) {
      const reason = cannot[title]
      if (reason === undefined) it(title, () => promised(trial))
      else it.skip(`${title} (cannot: ${reason})`, () => undefined)
    }
  })
}

/** Rows of the table's own columns; portals that write CSV cannot tell an empty text from no value. */
function comparable(read: Pick<SourceRead, 'rows'>, { rows, added = [] }: SourceTrial): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return read.rows.map((row) => {
    expect(Object.keys(row).filter((name) => !columns.includes(name) && !added.includes(name))).toEqual([])
    return JSON.stringify(columns.map((name) => row[name] || null))
  })
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  return numbers.every((number) => number !== undefined) ? numbers.reduce((a, b) => a + b, 0) : undefined
}

function frozen<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    for (const member of Object.values(value)) frozen(member)
    Object.freeze(value)
  }
  return value
}

function json(request: PageRequest | undefined): unknown {
  return request === undefined ? undefined : JSON.parse(JSON.stringify(request))
}
