import { groupBy } from '../../kernel/group-by.js'
import { addDays, type Day } from '../../kernel/time.js'
import type { PlantedEvent } from '../truth.js'
import type { ApiEvent } from './read-api.js'

export type Measure = PlantedEvent['measure']

/** What a finding says of one measure. */
export interface FindingSpan {
  readonly measure: Measure
  /** Half-open, over all its events that stand; `from` is the onset. */
  readonly from: Day
  readonly to: Day
  /** When the first of its events happened, and when that could be known. */
  readonly firstTime: string
  readonly firstKnownAt: string
}

/** A finding with all its events taken together. */
export interface GatheredFinding {
  readonly id: string
  readonly dataset: string
  readonly division: string
  readonly category: string
  readonly metric: string
  readonly direction: 'up' | 'down'
  /** State and sentence of the event that reaches furthest. */
  readonly state: ApiEvent['state']
  readonly sentence: string | null
  readonly isWithdrawn: boolean
  /** One a measure; a count whose publication failed for a while speaks of both. Empty when withdrawn. */
  readonly spans: readonly FindingSpan[]
}

/** Metrics that do not count rows; all others do. */
const OTHER_METRICS: Readonly<Record<string, Measure>> = {
  'days-to-close': 'days-to-close',
  publication: 'publication',
}

/**
 * Events, in any order, as findings ordered by id. A finding that ended and returned says two things: each of its episodes is taken
 * for itself, the second as `<id>#2`.
 */
export function gatherFindings(events: readonly ApiEvent[]): GatheredFinding[] {
  const groups = groupBy(events, ({ finding }) => finding)
  return [...groups.values()]
    .flatMap((own) => gatherEpisodes(own.toSorted((a, b) => a.index - b.index)))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function gatherEpisodes(own: readonly ApiEvent[]): GatheredFinding[] {
  const sinceWithdrawn = own.slice(own.findLastIndex(({ state }) => state === 'withdrawn') + 1)
  const replaced = new Set(own.map(({ supersedes }) => supersedes))
  const standing = sinceWithdrawn.filter(({ event_id }) => !replaced.has(event_id))
  if (standing.length === 0) return [{ ...toldBy(own), state: 'withdrawn', isWithdrawn: true, spans: [] }]
  const opening = standing.filter(({ state }) => state === 'new' || state === 'returned')
  const onsets = [...new Set(opening.flatMap(({ claim }) => claim?.from ?? []))].sort()
  const episodeOf = (event: ApiEvent) =>
    Math.max(
      0,
      onsets.findLastIndex((onset) => onset <= spanOf(event).from),
    )
  return [...groupBy(standing, episodeOf)].map(([episode, events]) => {
    const told = sinceWithdrawn.filter((event) => episodeOf(event) === episode)
    const facts = toldBy(events)
    const id = episode === 0 ? facts.id : `${facts.id}#${episode + 1}`
    return { ...facts, id, isWithdrawn: false, spans: spansOf(events, told) }
  })
}

function toldBy(events: readonly ApiEvent[]) {
  const { finding: id, dataset, division, category, metric, direction } = events[0] as ApiEvent
  const { state, sentence } = furthest(events)
  return { id, dataset, division, category, metric, direction, state, sentence }
}

/** A corrected early window comes late in the ledger, and does not hide a later one. */
function furthest(events: readonly ApiEvent[]): ApiEvent {
  return events.reduce((best, event) => (spanOf(event).to >= spanOf(best).to ? event : best))
}

/** @param standing events that nothing replaced. @param told all events, also replaced ones: they were told first */
function spansOf(standing: readonly ApiEvent[], told: readonly ApiEvent[]): FindingSpan[] {
  return [...groupBy(standing, measureOf)].map(([measure, events]) => {
    const spans = events.map(spanOf)
    const own = told.filter((event) => measureOf(event) === measure)
    return {
      measure,
      from: earliest(spans.map(({ from }) => from)),
      to: spans.reduce((latest, { to }) => (to > latest ? to : latest), ''),
      firstTime: earliest(own.map(({ time }) => time)),
      firstKnownAt: earliest(own.map(({ known_at }) => known_at)),
    }
  })
}

function measureOf({ state, metric }: ApiEvent): Measure {
  return state === 'data-gap' ? 'publication' : (OTHER_METRICS[metric] ?? 'count')
}

/** The span of the claim; of an event without figures its day. */
function spanOf({ claim, time }: ApiEvent): { from: Day; to: Day } {
  const day = time.slice(0, 10)
  return claim ?? { from: day, to: addDays(day, 1) }
}

/** Days and instants in ISO 8601 and UTC have the order of their texts. */
function earliest(texts: readonly string[]): string {
  return texts.reduce((first, text) => (text < first ? text : first))
}
