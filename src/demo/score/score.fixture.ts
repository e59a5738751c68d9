import { addDays, type Day } from '../../kernel/time.js'
import { PlantedEvent, Truth } from '../truth.js'
import type { ApiEvent, ApiSeries } from './read-api.js'

/** A rise of potholes by a factor of three in district 2, three weeks of March 2025; changes as given. */
export function planted(changes: Partial<PlantedEvent> = {}): PlantedEvent {
  const from = changes.from ?? '2025-03-03'
  return PlantedEvent.parse({
    id: 'surge-1',
    kind: 'surge',
    dataset: 'calls',
    divisions: ['2'],
    categories: ['pothole'],
    from,
    to: addDays(from, 21),
    measure: 'count',
    factor: 3,
    toldOn: from,
    said: 'Three times as many potholes in district 2.',
    ...changes,
  })
}

/** The truth of a city with two districts, whose potholes were renamed once. */
export function truthOf(events: readonly PlantedEvent[], changes: Partial<Truth> = {}): Truth {
  const mapping = (source: string, labels: Record<string, string>) => ({
    ...{ dataset: 'calls', source, timeZone: 'America/Chicago', formats: [], columns: {}, labels },
  })
  const division = (value: string) => ({ value, population: 1_000, neighbors: [] })
  return Truth.parse({
    city: 'Testville',
    seed: 7,
    size: 'S',
    from: '2021-01-01',
    asOf: '2025-12-31',
    maps: [{ id: 'wards', validFrom: '2021-01-01', validTo: null, divisions: ['1', '2'].map(division) }],
    datasets: [
      {
        id: 'calls',
        kind: 'service-requests',
        rows: 1_000,
        categories: ['pothole', 'noise'].map((name) => ({ name, department: 'Works' })),
      },
    ],
    events,
    mappings: [
      mapping('2021', { Pothole: 'pothole', 'Loud music': 'noise' }),
      mapping('2025', { 'Pothole in street': 'pothole', 'Loud music': 'noise' }),
    ],
    ...changes,
  })
}

/** Series of the API: tested from 2023 on, potholes under one name. */
export function seriesOf(categories: readonly string[] = ['Pothole', 'Loud music']): ApiSeries[] {
  const facts = { dataset: 'calls', division: '2', metric: 'requests', oldest_tested_week: '2023-01-02' }
  return categories.map((category) => ({ ...facts, category }))
}

/** The event `new` of a finding of one week; its time is the end of that week in Chicago. */
export function told(week: Day, changes: Partial<ApiEvent> = {}): ApiEvent {
  const finding = changes.finding ?? `finding-${week}`
  const index = changes.index ?? 0
  return {
    ...{ index, event_id: `${finding}/${index}`, finding, state: 'new' },
    ...{ division: '2', dataset: 'calls', category: 'Pothole', metric: 'requests', direction: 'up' },
    claim: { from: week, to: addDays(week, 7) },
    sentence: `Potholes rose in the week of ${week}.`,
    supersedes: null,
    time: `${addDays(week, 7)}T06:00:00Z`,
    known_at: `${addDays(week, 9)}T14:00:00Z`,
    ...changes,
  }
}
