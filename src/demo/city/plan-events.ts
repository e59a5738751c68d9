import { addDays, type Day } from '../../kernel/time.js'
import { pick, type Random, seededRandom, seedOf, wholeNumber } from '../random.js'
import type { PlantedEvent } from '../truth.js'
import { indexOfDay, LAST_DAY, MET_ON, usualShare } from './calendar.js'
import { type CategoryPlan, DATASETS, type DatasetId, type DatasetPlan, planOf } from './catalog.js'
import { type DivisionShares, weeklyMean } from './division-shares.js'
import type { CityMap } from './maps.js'
import { sayEvent } from './say-event.js'

/** When the publication itself failed, moved or told something late. */
export const PUBLICATION_EVENTS = {
  /** Crime incidents of these days never come. */
  gap: { dataset: 'crime-incidents', from: '2025-02-10', to: '2025-02-24' },
  /** No violation was entered on these days: the inspectors' cases came afterwards, under the day of their entry. */
  outage: { dataset: 'code-violations', from: '2025-09-08', to: '2025-09-19', enteredBy: '2025-09-26' },
  /** Types of request move to the new system one by one. */
  migration: { dataset: 'service-requests', from: '2025-10-06', to: '2026-03-30' },
  /** Permits of these days are published on one later day. */
  late: {
    dataset: 'building-permits',
    from: addDays(MET_ON, -15),
    to: addDays(MET_ON, 1),
    toldOn: addDays(MET_ON, 12),
  },
  /** Collisions of these days are struck out later, without a word. */
  rewritten: {
    dataset: 'collisions',
    from: '2024-10-07',
    to: '2024-11-04',
    toldOn: addDays(MET_ON, 17),
    share: 0.45,
  },
} as const

interface Wanted {
  readonly kind: PlantedEvent['kind']
  readonly measure: PlantedEvent['measure']
  /** Shortest and longest, days. */
  readonly days: readonly [number, number]
  readonly factor: readonly [number, number]
  readonly datasets: readonly DatasetId[]
}

const PLACED: readonly DatasetId[] = DATASETS.filter(({ citywide }) => !citywide).map(({ id }) => id)
const ALL: readonly DatasetId[] = DATASETS.map(({ id }) => id)
const CLOSING: readonly DatasetId[] = ['service-requests', 'code-violations']

const SURGE: Wanted = { kind: 'surge', measure: 'count', days: [21, 56], factor: [1.9, 3.2], datasets: ALL }
const SPIKE: Wanted = { kind: 'spike', measure: 'count', days: [5, 9], factor: [3, 5], datasets: ALL }
const DROP: Wanted = { kind: 'drop', measure: 'count', days: [28, 63], factor: [0.15, 0.4], datasets: PLACED }
const SHIFT: Wanted = { kind: 'shift', measure: 'count', days: [0, 0], factor: [1.7, 2.4], datasets: PLACED }
const CLUSTER: Wanted = {
  kind: 'cluster',
  measure: 'count',
  days: [10, 24],
  factor: [1.6, 2.1],
  datasets: PLACED,
}
const SLOWER: Wanted = {
  kind: 'slow-down',
  measure: 'days-to-close',
  days: [42, 84],
  factor: [2, 3.5],
  datasets: CLOSING,
}
const UNEQUAL: Wanted = {
  kind: 'inequality',
  measure: 'days-to-close',
  days: [0, 0],
  factor: [2, 2.8],
  datasets: CLOSING,
}

/** Two years of history come before the first planted event. */
const HISTORY_FROM: Day = '2023-09-04'
const HISTORY: readonly (readonly [Wanted, number])[] = [
  ...([
    [SURGE, 14],
    [SPIKE, 6],
    [DROP, 8],
    [SHIFT, 4],
    [CLUSTER, 4],
    [SLOWER, 4],
    [UNEQUAL, 2],
  ] as const),
]
/** The first days of planted events of the last weeks, one in each dataset, count back from {@link MET_ON}. */
const RECENT_DAYS = [24, 38] as const
/** After the city was met something begins every so many days. */
const LIVE_EVERY_DAYS = [6, 17] as const
const LIVE: readonly Wanted[] = [SURGE, DROP, SURGE, SPIKE, SURGE, CLUSTER, SLOWER, SHIFT]
/** The first of them, so that whoever watches sees one open, go on and end. */
const FIRST_LIVE_DAYS = 9
/** A series is left alone for so long around an event. */
const QUIET_DAYS = 150
/** An event that nobody could notice is none: so many rows a week more or less, at least. */
const LEAST_DIFFERENCE_ROWS = 7
const MAX_TRIES = 400

/** Plans what happens in a seed's city, in the order of the first days. */
export function planEvents(seed: number, map: CityMap, shares: DivisionShares): PlantedEvent[] {
  const planner = new EventPlanner(seededRandom(seedOf(seed, 'events')), map, shares)
  for (const id of ALL) planner.recent(id)
  for (const [wanted, count] of HISTORY)
    for (let at = 0; at < count; at++) planner.somewhere(wanted, HISTORY_FROM, addDays(MET_ON, -100))
  let on: Day = addDays(MET_ON, FIRST_LIVE_DAYS)
  for (let at = 0; on < LAST_DAY; at++) {
    const wanted = LIVE[at % LIVE.length] as Wanted
    planner.somewhere(
      at === 0 ? { ...wanted, datasets: ['service-requests'], days: [28, 29] } : wanted,
      on,
      addDays(on, 1),
    )
    on = addDays(on, planner.between(LIVE_EVERY_DAYS))
  }
  const events = [...planner.events, ...publicationEvents()].sort(
    (a, b) => indexOfDay(a.from) - indexOfDay(b.from),
  )
  return events.map((event, at) => ({ ...event, id: `event-${at + 1}`, said: sayEvent(event) }))
}

type Draft = Omit<PlantedEvent, 'id' | 'said'>

class EventPlanner {
  readonly events: Draft[] = []
  private readonly busy: { readonly series: string; readonly from: number; readonly to: number }[] = []

  constructor(
    private readonly random: Random,
    private readonly map: CityMap,
    private readonly shares: DivisionShares,
  ) {}

  between([from, to]: readonly [number, number]): number {
    return wholeNumber(this.random, from, to)
  }

  /** A clear rise of the last weeks; some have ended, some go on. */
  recent(dataset: DatasetId): void {
    const wanted: Wanted = { ...SURGE, datasets: [dataset], factor: [2.6, 3.6], days: [22, 45] }
    const [near, far] = RECENT_DAYS
    this.somewhere(wanted, addDays(MET_ON, -far), addDays(MET_ON, -near))
  }

  /** Plants an event that begins in [from, to) where nothing else happens; nothing where no such place is found. */
  somewhere(wanted: Wanted, from: Day, to: Day): void {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const draft = this.draft(
        wanted,
        addDays(from, wholeNumber(this.random, 0, indexOfDay(to) - indexOfDay(from))),
      )
      if (draft === undefined || !this.isFree(draft)) continue
      this.busy.push(...spansOf(draft))
      this.events.push(draft)
      return
    }
  }

  private draft(wanted: Wanted, from: Day): Draft | undefined {
    const { kind, measure, days, factor } = wanted
    const plan = planOf(pick(this.random, wanted.datasets))
    const category = pick(this.random, plan.categories)
    const divisions = this.divisionsOf(plan, kind)
    const drawn = Number((factor[0] + this.random() * (factor[1] - factor[0])).toFixed(2))
    const to = days[1] === 0 ? null : addDays(from, this.between(days))
    const draft: Draft = {
      ...{ kind, measure, dataset: plan.id, divisions, categories: [category.name] },
      ...{ from, to, factor: drawn, toldOn: from },
    }
    return measure === 'count' && !this.isNoticeable(draft, plan, category) ? undefined : draft
  }

  private divisionsOf(plan: DatasetPlan, kind: PlantedEvent['kind']): string[] {
    if (plan.citywide) return ['citywide']
    const first = pick(this.random, this.map.divisions)
    const values = kind === 'cluster' ? [first.value, ...first.neighbors.slice(0, 3)] : [first.value]
    return values.sort((a, b) => Number(a) - Number(b))
  }

  /** In its own season: nobody notices twice the snow of September. */
  private isNoticeable(
    { divisions, from, to, factor }: Draft,
    plan: DatasetPlan,
    category: CategoryPlan,
  ): boolean {
    const weekly = divisions.reduce((sum, one) => sum + weeklyMean(this.shares, plan, category.name, one), 0)
    const middle = (indexOfDay(from) + indexOfDay(to ?? from)) >> 1
    const week = Array.from({ length: 7 }, (_none, at) => usualShare(category, middle + at))
    const inSeason = week.reduce((sum, share) => sum + share, 0) / week.length
    return weekly * inSeason * Math.abs(factor - 1) >= LEAST_DIFFERENCE_ROWS
  }

  private isFree(draft: Draft): boolean {
    const spans = spansOf(draft)
    return !this.busy.some((other) =>
      spans.some(
        ({ series, from, to }) =>
          series === other.series && from < other.to + QUIET_DAYS && other.from < to + QUIET_DAYS,
      ),
    )
  }
}

function spansOf({ dataset, divisions, categories, from, to, measure }: Draft) {
  const end = to === null ? indexOfDay(LAST_DAY) : indexOfDay(to)
  return divisions.flatMap((division) =>
    categories.map((category) => ({
      series: `${dataset}/${division}/${category}/${measure}`,
      ...{ from: indexOfDay(from), to: end },
    })),
  )
}

/** What happened to the publication: the same in every city, since portals publish it so. */
function publicationEvents(): Draft[] {
  const { gap, outage, migration, late, rewritten } = PUBLICATION_EVENTS
  const whole = { divisions: [], categories: [], measure: 'publication', factor: 1 } as const
  const { toldOn } = rewritten
  return [
    { ...whole, kind: 'data-gap', dataset: gap.dataset, from: gap.from, to: gap.to, toldOn: gap.to },
    {
      ...whole,
      kind: 'outage',
      dataset: outage.dataset,
      from: outage.from,
      to: outage.enteredBy,
      toldOn: outage.to,
    },
    { ...whole, kind: 'migration', ...migration, toldOn: migration.from },
    {
      ...whole,
      kind: 'late-publication',
      dataset: late.dataset,
      from: late.from,
      to: late.to,
      toldOn: late.toldOn,
    },
    {
      ...whole,
      kind: 'rewritten-history',
      dataset: rewritten.dataset,
      from: rewritten.from,
      to: rewritten.to,
      toldOn,
    },
  ].map((event) => ({
    ...event,
    divisions: [...event.divisions],
    categories: [...event.categories],
  })) as Draft[]
}

/** The number in the simulation of an event's first day, and of the day after its last. */
export function spanOf({ from, to }: Pick<PlantedEvent, 'from' | 'to'>): readonly [number, number] {
  return [indexOfDay(from), to === null ? Number.POSITIVE_INFINITY : indexOfDay(to)]
}
