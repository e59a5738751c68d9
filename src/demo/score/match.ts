import { addDays, type Day } from '../../kernel/time.js'
import { type EventKind, type PlantedEvent, TRAPS, type Truth } from '../truth.js'
import type { FindingSpan, GatheredFinding, Measure } from './gather-findings.js'

/** A finding may begin so much earlier than its event: weeks are counted whole. */
export const EARLY_DAYS = 7
/** And may still reach its event so long after its end: two weeks outside open a finding, two inside end it. */
export const LATE_DAYS = 14
/** What goes on for ever is found, or is a trap, only within its first half year: later it is what is usual. */
export const LASTING_DAYS = 26 * 7

/** The city's own categories that a name may stand for: what any source of the dataset publishes under it, and itself. */
export type CategoryLookup = (dataset: string, name: string) => ReadonlySet<string>

/** The lookup of a truth. */
export function categoryLookup({ mappings }: Truth): CategoryLookup {
  const known = new Map<string, Set<string>>()
  const at = (dataset: string, name: string) => JSON.stringify([dataset, name])
  for (const { dataset, labels } of mappings) {
    for (const [label, category] of Object.entries(labels)) {
      const key = at(dataset, label)
      known.set(key, (known.get(key) ?? new Set([label])).add(category))
    }
  }
  return (dataset, name) => known.get(at(dataset, name)) ?? new Set([name])
}

/**
 * What of a finding belongs to an event: the same dataset, a division and category of the event, its measure and direction; a span
 * that overlaps the event's or the two weeks after it, and an onset not earlier than a week before its first day.
 * @returns undefined when nothing does
 */
export function spanWithin(
  finding: GatheredFinding,
  event: PlantedEvent,
  lookup: CategoryLookup,
): FindingSpan | undefined {
  if (!concerns(finding, event, lookup)) return undefined
  const measure = measureOf(event)
  return finding.spans.find(
    (span) =>
      span.measure === measure &&
      (measure === 'publication' || hasDirection(finding, event)) &&
      addDays(event.from, -EARLY_DAYS) <= span.from &&
      overlaps(span, event.from, lastsUntil(event)),
  )
}

/** True when a finding that belongs to the event came early enough to have found it. */
export function isInTime({ from }: FindingSpan, event: PlantedEvent): boolean {
  return event.to !== null || from < addDays(event.from, LASTING_DAYS)
}

/**
 * True when a finding reports a rise or fall where a trap lies: same dataset, a division and category of it, overlapping spans.
 * Whether it belongs to another event, and so is right, the caller knows.
 */
export function fallsInto(finding: GatheredFinding, trap: PlantedEvent, lookup: CategoryLookup): boolean {
  const until = lastsUntil(trap) ?? addDays(trap.from, LASTING_DAYS)
  return (
    concerns(finding, trap, lookup) &&
    finding.spans.some((span) => span.measure !== 'publication' && overlaps(span, trap.from, until))
  )
}

/** True for an event of the publication alone. */
export function isTrap({ kind }: { kind: EventKind }): boolean {
  return TRAPS.includes(kind)
}

/** The measure in which an event may be reported; of a trap never another than the publication. */
export function measureOf(event: PlantedEvent): Measure {
  return isTrap(event) ? 'publication' : event.measure
}

function concerns(finding: GatheredFinding, event: PlantedEvent, lookup: CategoryLookup): boolean {
  const { dataset, divisions, categories } = event
  if (finding.isWithdrawn || finding.dataset !== dataset) return false
  if (divisions.length > 0 && !divisions.includes(finding.division)) return false
  return categories.length === 0 || isOneOf(lookup(dataset, finding.category), categories)
}

function isOneOf(names: ReadonlySet<string>, categories: readonly string[]): boolean {
  return categories.some((category) => names.has(category))
}

/** A factor of 1 has no direction: nothing changed. */
function hasDirection({ direction }: GatheredFinding, { factor }: PlantedEvent): boolean {
  return direction === 'up' ? factor > 1 : factor < 1
}

/** The day until which a finding may reach the event; null: for ever. What was published may also be reported once it was told. */
export function lastsUntil(event: PlantedEvent): Day | null {
  if (event.to === null) return null
  const isTold = measureOf(event) === 'publication' && event.toldOn >= event.to
  return addDays(isTold ? addDays(event.toldOn, 1) : event.to, LATE_DAYS)
}

function overlaps(span: FindingSpan, from: Day, until: Day | null): boolean {
  return span.to > from && (until === null || span.from < until)
}
