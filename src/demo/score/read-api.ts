import { z } from 'zod'
import { FINDING_STATES } from '../../contracts/proposal.js'
import { WardbookError } from '../../kernel/errors.js'
import { type Fetch, readAnswer } from './read-answer.js'

const Day = z.iso.date()

/** One event of a finding, as far as the score needs it: an element of `/api/v1/findings`. */
export const ApiEvent = z.object({
  /** Place in the ledger. */
  index: z.int().nonnegative(),
  event_id: z.string(),
  finding: z.string(),
  state: z.enum(FINDING_STATES),
  division: z.string(),
  dataset: z.string(),
  category: z.string(),
  metric: z.string(),
  direction: z.enum(['up', 'down']),
  /** Half-open span of the claim; null for an event without figures. */
  claim: z.object({ from: Day, to: Day }).nullable(),
  sentence: z.string().nullable(),
  /** Id of the event that this one replaces. */
  supersedes: z.string().nullable(),
  time: z.iso.datetime(),
  known_at: z.iso.datetime(),
})
export type ApiEvent = z.infer<typeof ApiEvent>

/** One series, as far as the score needs it: an element of `/api/v1/series`. */
export const ApiSeries = z.object({
  dataset: z.string(),
  division: z.string(),
  category: z.string(),
  metric: z.string(),
  /** Monday of the oldest week that was tested; absent or null where the API does not say. */
  oldest_tested_week: Day.nullish(),
})
export type ApiSeries = z.infer<typeof ApiSeries>

/** What the pipeline made public. */
export interface PublicRecord {
  /** In ledger order. */
  readonly events: readonly ApiEvent[]
  readonly series: readonly ApiSeries[]
}

const PAGE_LIMIT = 1_000 // most that the API gives at a time
const MAX_PAGES = 2_000 // two million elements: more than the largest city's, and an end for a server that has none

/**
 * Reads every event of findings and every series that a server shows.
 * @param base address of the pages, such as http://127.0.0.1:8311
 * @throws WardbookError 'api-unreachable', 'api-failed' (retry), 'api-unusable' (fix-config)
 */
export async function readPublicRecord(base: string, fetch: Fetch): Promise<PublicRecord> {
  const events = await readList(base, 'findings', ApiEvent, fetch)
  const series = await readList(base, 'series', ApiSeries, fetch)
  return { events, series }
}

/** All elements of a list, page after page. */
async function readList<Item>(
  base: string,
  name: 'findings' | 'series',
  item: z.ZodType<Item>,
  fetch: Fetch,
): Promise<Item[]> {
  const page = z.object({ [name]: z.array(item), next: z.string().min(1).nullable() })
  const items: Item[] = []
  const seen = new Set<string>()
  let cursor: string | null = null
  do {
    const address = addressOf(base, name, cursor)
    const answer = page.safeParse(await readAnswer(address, fetch))
    if (!answer.success) throw otherShape(address, answer.error)
    for (const one of answer.data[name] as Item[]) items.push(one)
    cursor = answer.data.next as string | null
    if (cursor !== null && (seen.has(cursor) || seen.size >= MAX_PAGES)) throw endless(address, cursor)
    seen.add(cursor ?? '')
  } while (cursor !== null)
  return items
}

function addressOf(base: string, name: string, cursor: string | null): string {
  const address = new URL(`api/v1/${name}`, base.endsWith('/') ? base : `${base}/`)
  address.searchParams.set('limit', String(PAGE_LIMIT))
  if (cursor !== null) address.searchParams.set('cursor', cursor)
  return String(address)
}

function otherShape(address: string, cause: z.ZodError): WardbookError {
  const issue = cause.issues[0]
  const place = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`
  const message = `${address} does not answer as the API of this release${place}: is it a server of the same release?`
  return new WardbookError('api-unusable', 'fix-config', message, { address }, { cause })
}

function endless(address: string, cursor: string): WardbookError {
  const message = `${address} goes on for ever: its next cursor is '${cursor}', after ${MAX_PAGES} pages or for the second time`
  return new WardbookError('api-unusable', 'fix-config', message, { address, cursor })
}
