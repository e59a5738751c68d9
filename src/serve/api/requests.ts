import { z } from 'zod'
import { FINDING_STATES } from '../../contracts/proposal.js'
import { catalogFor } from '../../words/sentences.js'
import { viewDivisions } from '../city-view.js'
import type { Edition } from '../edition.js'
import { parseQuery } from '../filter.js'
import { eventLine } from '../finding-line.js'
import type { ReceiptOf } from '../finding-view.js'
import type { FindingEvent } from '../read-findings.js'

/** Most of a list that one request gives. */
export const MAX_LIMIT = 1_000
const DEFAULT_LIMIT = 100

const Whole = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number)

/** How many of a list one request gives. */
export const Limit = Whole.pipe(z.int().min(1).max(MAX_LIMIT)).default(DEFAULT_LIMIT)

/** Parameters of `/api/v1/findings`. */
export const FindingsQuery = z.strictObject({
  dataset: z.string().optional().describe("A dataset's name in the city file."),
  division: z.string().optional().describe('A partition value, as in /api/v1/divisions.'),
  category: z.string().optional().describe("The publisher's label, exactly."),
  state: z.enum(FINDING_STATES).optional().describe('State that the event tells.'),
  since: z.iso.date().optional().describe('Only claims whose span reaches beyond this day.'),
  cursor: Whole.optional().describe(
    'Ledger index of the last event already seen; the answer begins after it.',
  ),
  limit: Limit.describe('Most events to give.'),
})

/** One page of a list; `next` is null at the end. */
export interface Listed {
  readonly body: object
  readonly next: string | null
}

/**
 * Events of findings in ledger order. A reader that keeps the index of the last event it saw can follow for ever:
 * the order never changes, new events only come at the end.
 * @throws WardbookError 'bad-query' (fix-config)
 */
export async function listFindings(edition: Edition, search: URLSearchParams): Promise<Listed> {
  const query = parseQuery(FindingsQuery, search, true)
  const { events } = await edition.findings()
  const { cursor = -1, limit } = query
  const matching = events.filter((event) => event.index > cursor && isAskedFor(event, query))
  const shown = matching.slice(0, limit)
  const last = shown.at(-1)
  const next = last && matching.length > shown.length ? String(last.index) : null
  return { body: { findings: shown.map((event) => eventBody(edition, event)), next }, next }
}

function isAskedFor(event: FindingEvent, query: z.infer<typeof FindingsQuery>): boolean {
  const { dataset, division, category, state, since } = query
  return (
    (dataset === undefined || event.dataset === dataset) &&
    (division === undefined || event.division === division) &&
    (category === undefined || event.category === category) &&
    (state === undefined || event.state === state) &&
    (since === undefined || (event.claim !== undefined && event.claim.to > since))
  )
}

/** An event with its figures and their sentence; one that makes no claim has neither. */
function eventBody(edition: Edition, event: FindingEvent): object {
  const { index, eventId, finding, state, division, dataset, category, metric, direction, claim } = event
  return {
    index,
    event_id: eventId,
    event: `/api/v1/events/${index}`,
    finding,
    address: `/f/${finding}`,
    state,
    division,
    dataset,
    category,
    metric,
    direction,
    claim: claim ?? null,
    sentence: claim ? eventLine(edition.city, event, claim).sentence : null,
    supersedes: event.supersedes,
    time: event.time,
    known_at: event.knownAt,
    recorded_at: event.recordedAt,
  }
}

/** One event of the ledger, whole, with its receipt. @returns undefined when there is none at this index */
export async function readEvent(
  edition: Edition,
  index: string,
  search: URLSearchParams,
  receiptOf: ReceiptOf | undefined,
): Promise<object | undefined> {
  parseQuery(z.strictObject({}), search, true)
  const place = Whole.safeParse(index)
  const found = place.success ? await edition.event(place.data) : undefined
  if (found === undefined || place.data === undefined) return undefined
  const receipt = await receiptOf?.(place.data)
  return { index: place.data, recorded_at: found.recordedAt, event: found.event, receipt: receipt ?? null }
}

/** Every division with its counts over all time. */
export async function listDivisions(edition: Edition, search: URLSearchParams): Promise<Listed> {
  parseQuery(z.strictObject({}), search, true)
  const { byId } = await edition.findings()
  const standing = [...byId.values()].filter(({ newest }) => newest.state !== 'withdrawn')
  const divisions = (await viewDivisions(edition, standing, standing)).map(
    ({ findings_ever, high, ...line }) => ({ ...line, findings: findings_ever, high }),
  )
  return { body: { divisions, next: null }, next: null }
}

/** Every source of the city file: where it comes from, how fresh it is, and how its rows were assigned by their points. */
export async function listSources(edition: Edition, search: URLSearchParams): Promise<Listed> {
  parseQuery(z.strictObject({}), search, true)
  const { city, divisions } = edition.city
  const words = catalogFor(city.locale)
  const sources = (await edition.sources()).map((source) => {
    const { points } = source
    if (points === null) return source
    const said = words.points({ label: divisions.label, boundary: points.boundary, counts: points })
    return { ...source, points: { ...points, said } }
  })
  return { body: { sources, next: null }, next: null }
}
