import { normalNumber, pick, type Random, seededRandom, seedOf } from '../random.js'
import type { PlantedEvent } from '../truth.js'
import type { Block, BlocksByDivision } from './blocks.js'
import { indexOfDay } from './calendar.js'
import type { CategoryPlan, DatasetPlan } from './catalog.js'
import type { DailyCounts } from './daily-counts.js'
import type { CityMap } from './maps.js'
import { PUBLICATION_EVENTS, spanOf } from './plan-events.js'

/** No day of the simulation: something that never happens. */
export const NEVER = Number.POSITIVE_INFINITY

/** One thing that happened in the city, and what becomes of it. Days are numbers of the simulation; {@link NEVER}: it does not happen. */
export interface CityRecord {
  /** From 1, in the order in which things happened. */
  readonly serial: number
  readonly day: number
  /** Second of the day, local time. */
  readonly second: number
  /** Day under which it was entered: another one after an outage. */
  readonly enteredDay: number
  readonly category: number
  /** Where; undefined in a dataset of the whole city. */
  readonly block: Block | undefined
  /** First day on which the publication has it. */
  readonly toldOn: number
  readonly closedOn: number
  /** Day on which it was found to lie elsewhere, and where. */
  readonly movedOn: number
  readonly movedTo: Block | undefined
  /** Day on which its category was corrected without a word, and to which. */
  readonly relabeledOn: number
  readonly relabeledTo: number
  /** Day on which it disappeared without a word. */
  readonly deletedOn: number
  /** A number of its own, 0 to 2³² - 1, for whatever else is told of it. */
  readonly dice: number
}

const DELETED_SHARE = 0.0008
const RELABELED_SHARE = 0.0015
const MOVED_SHARE = 0.006
const NEVER_CLOSED_SHARE = 0.02
/** Spread of the days that a case stays open: standard deviation of the logarithm. */
const OPEN_SPREAD = 0.85
/** Deletions, moves and corrections happen within so many days. */
const CHANGES_WITHIN_DAYS = 40
const HOURS: Readonly<Record<CategoryPlan['week'], readonly [number, number]>> = {
  office: [7, 18],
  street: [6, 22],
  night: [0, 24],
  even: [0, 24],
}

/** Makes the records of any day of a dataset; the same day always has the same records. */
export class RecordMaker {
  private readonly slower: readonly Slower[]
  private readonly neighbors: ReadonlyMap<string, readonly string[]>
  private readonly gap: Span
  private readonly outage: Span
  private readonly late: Span
  private readonly rewritten: Span

  constructor(
    private readonly seed: number,
    readonly plan: DatasetPlan,
    private readonly counts: DailyCounts,
    private readonly blocks: BlocksByDivision,
    map: CityMap,
    events: readonly PlantedEvent[],
  ) {
    this.slower = events.flatMap((event) =>
      event.measure === 'days-to-close' && event.dataset === plan.id ? [slowerOf(event)] : [],
    )
    this.neighbors = new Map(map.divisions.map(({ value, neighbors }) => [value, neighbors]))
    const { gap, outage, late, rewritten } = PUBLICATION_EVENTS
    this.gap = spanIn(plan, gap, indexOfDay(gap.to))
    this.outage = spanIn(plan, outage, indexOfDay(outage.enteredBy))
    this.late = spanIn(plan, late, indexOfDay(late.toldOn))
    this.rewritten = spanIn(plan, rewritten, indexOfDay(rewritten.toldOn))
  }

  /** Records that happened on a day, by the second. */
  recordsOf(day: number): CityRecord[] {
    const random = seededRandom(seedOf(this.seed, 'records', this.plan.id, day))
    const { series, counts, before } = this.counts
    const records: Mutable<CityRecord>[] = []
    for (let at = 0; at < series.length; at++) {
      const { division, category } = series[at] as (typeof series)[number]
      for (let left = counts[day * series.length + at] as number; left > 0; left--)
        records.push(this.record(day, division, category, random))
    }
    records.sort((a, b) => a.second - b.second)
    let serial = before[day] as number
    for (const record of records) record.serial = ++serial
    return records
  }

  private record(day: number, division: string, category: number, random: Random): Mutable<CityRecord> {
    const about = this.plan.categories[category] as CategoryPlan
    const dice = Math.floor(random() * 2 ** 32)
    const enteredDay = this.enteredDay(day, dice)
    const toldOn = this.toldOn(enteredDay, random)
    const changes = random()
    const changedOn = toldOn + 1 + Math.floor(random() * CHANGES_WITHIN_DAYS)
    const isMoved = changes < MOVED_SHARE && !this.plan.citywide
    const isRelabeled = changes > 1 - RELABELED_SHARE
    const isDeleted = changes >= MOVED_SHARE && changes < MOVED_SHARE + DELETED_SHARE
    return {
      serial: 0,
      day,
      second: secondOf(about, random),
      enteredDay,
      category,
      block: this.blockIn(division, random),
      toldOn,
      closedOn: this.closedOn(about, division, enteredDay, random),
      movedOn: isMoved ? changedOn : NEVER,
      movedTo: isMoved
        ? this.blockIn(pick(random, this.neighbors.get(division) ?? [division]), random)
        : undefined,
      relabeledOn: isRelabeled ? changedOn : NEVER,
      relabeledTo: isRelabeled ? (category + 1) % this.plan.categories.length : category,
      deletedOn: this.isStruckOut(day, dice) ? this.rewritten.after : isDeleted ? changedOn : NEVER,
      dice,
    }
  }

  private blockIn(division: string, random: Random): Block | undefined {
    return this.plan.citywide ? undefined : pick(random, this.blocks.get(division) ?? [])
  }

  /** After an outage cases are entered within some days, and bear the day of their entry. */
  private enteredDay(day: number, dice: number): number {
    const { from, to, after } = this.outage
    return day < from || day >= to ? day : to + (dice % (after - to))
  }

  private toldOn(day: number, random: Random): number {
    const { toldAtOnce, toldAfterDays } = this.plan
    const isDelayed = random() >= toldAtOnce
    const usual = day + (isDelayed ? 1 + Math.floor(-Math.log(1 - random()) * toldAfterDays) : 0)
    if (day >= this.gap.from && day < this.gap.to) return NEVER
    return day >= this.late.from && day < this.late.to ? Math.max(usual, this.late.after) : usual
  }

  private closedOn({ name, daysOpen }: CategoryPlan, division: string, day: number, random: Random): number {
    if (daysOpen === 0 || random() < NEVER_CLOSED_SHARE) return NEVER
    const usual = daysOpen * Math.exp(OPEN_SPREAD * normalNumber(random))
    return day + Math.ceil(usual * this.slowness(name, division, day))
  }

  private slowness(category: string, division: string, day: number): number {
    let product = 1
    for (const { from, to, event } of this.slower) {
      if (day < from || day >= to) continue
      if (event.divisions.includes(division) && event.categories.includes(category)) product *= event.factor
    }
    return product
  }

  private isStruckOut(day: number, dice: number): boolean {
    const { from, to } = this.rewritten
    return day >= from && day < to && dice < PUBLICATION_EVENTS.rewritten.share * 2 ** 32
  }
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] }

/** Days of an event of the publication, half-open, and the day on which something follows; no day for other datasets. */
interface Span {
  readonly from: number
  readonly to: number
  readonly after: number
}

function spanIn(
  { id }: DatasetPlan,
  event: { readonly dataset: string; readonly from: string; readonly to: string },
  after: number,
): Span {
  return event.dataset === id
    ? { from: indexOfDay(event.from), to: indexOfDay(event.to), after }
    : { from: NEVER, to: NEVER, after: NEVER }
}

interface Slower {
  readonly from: number
  readonly to: number
  readonly event: PlantedEvent
}

function slowerOf(event: PlantedEvent): Slower {
  const [from, to] = spanOf(event)
  return { from, to, event }
}

function secondOf({ week }: CategoryPlan, random: Random): number {
  const [from, to] = HOURS[week]
  return Math.floor((from + random() * (to - from)) * 3_600)
}

/** True for a record that the publication has on a day. */
export function isPublished(record: CityRecord, asOf: number): boolean {
  return record.toldOn <= asOf && asOf < record.deletedOn
}

/** Last day, up to `asOf`, on which what is published of a record changed. */
export function changedOn(record: CityRecord, asOf: number): number {
  const { toldOn, closedOn, movedOn, relabeledOn } = record
  return Math.max(toldOn, ...[closedOn, movedOn, relabeledOn].filter((day) => day <= asOf))
}
