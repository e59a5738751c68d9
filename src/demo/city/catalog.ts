/** What the pocket city counts: its datasets, their categories, who answers for them, how often they happen. */

/** How a week goes: shares of the mean day, Monday first. */
export type WeekShape = 'office' | 'street' | 'night' | 'even'

/** One category of a dataset. */
export interface CategoryPlan {
  readonly name: string
  readonly department: string
  /** Rows a day in the whole city of size S. */
  readonly daily: number
  readonly week: WeekShape
  /** Size of the yearly wave, 0 to 1, and the day of the year of its crest. */
  readonly season: number
  readonly crest: number
  /** Growth a year: 0.03 is 3 %. */
  readonly trend: number
  /** Shape of the gamma noise of a day: less is noisier. */
  readonly steadiness: number
  /** Median days until a case is closed; 0: cases have no end. */
  readonly daysOpen: number
}

/** One dataset of the city. */
export interface DatasetPlan {
  readonly id: DatasetId
  readonly kind: string
  readonly name: string
  /** Beginning of its ids. */
  readonly prefix: string
  /** True: rows have no division and no place. */
  readonly citywide: boolean
  /** Days until a row is published: share of the same day, and the mean of the others. */
  readonly toldAtOnce: number
  readonly toldAfterDays: number
  readonly categories: readonly CategoryPlan[]
}

export const DATASET_IDS = [
  'service-requests',
  'crime-incidents',
  'building-permits',
  'code-violations',
  'collisions',
  'weather',
  'council-matters',
] as const
export type DatasetId = (typeof DATASET_IDS)[number]

type Line = readonly [
  name: string,
  department: string,
  daily: number,
  week: WeekShape,
  season: number,
  crest: number,
  trend: number,
  steadiness: number,
  daysOpen: number,
]

function plans(lines: readonly Line[]): CategoryPlan[] {
  return lines.map(([name, department, daily, week, season, crest, trend, steadiness, daysOpen]) => {
    return { name, department, daily, week, season, crest, trend, steadiness, daysOpen }
  })
}

export const DATASETS: readonly DatasetPlan[] = [
  {
    id: 'service-requests',
    kind: 'service-requests',
    name: 'Service requests of Pocket City',
    prefix: 'SR',
    citywide: false,
    toldAtOnce: 0.86,
    toldAfterDays: 2.2,
    categories: plans([
      ['Illegal dumping', 'Sanitation', 13, 'office', 0.15, 190, 0.03, 9, 6],
      ['Missed collection', 'Sanitation', 11, 'office', 0.1, 5, 0.01, 7, 3],
      ['Pothole', 'Public Works', 12, 'office', 0.55, 95, 0.02, 6, 9],
      ['Street light out', 'Public Works', 9, 'even', 0.25, 350, 0, 12, 11],
      ['Abandoned vehicle', 'Transportation', 8, 'office', 0.08, 30, 0.05, 12, 14],
      ['Noise', 'Police', 10, 'night', 0.35, 200, 0.04, 6, 1],
      ['Rodents', 'Inspection', 7, 'office', 0.45, 215, 0.06, 9, 8],
      ['Graffiti', 'Public Works', 6, 'office', 0.15, 150, -0.04, 8, 5],
      ['Tree maintenance', 'Parks', 5, 'office', 0.4, 170, 0, 8, 25],
      ['Sidewalk repair', 'Public Works', 4, 'office', 0.25, 140, 0.02, 12, 40],
    ]),
  },
  {
    id: 'crime-incidents',
    kind: 'crime-incidents',
    name: 'Crime incidents of Pocket City',
    prefix: 'CR',
    citywide: false,
    toldAtOnce: 0.55,
    toldAfterDays: 3.5,
    categories: plans([
      ['Theft', 'Police', 13, 'street', 0.12, 205, -0.02, 12, 0],
      ['Vandalism', 'Police', 7, 'night', 0.12, 190, -0.01, 10, 0],
      ['Motor vehicle theft', 'Police', 6, 'even', 0.08, 300, 0.05, 10, 0],
      ['Assault', 'Police', 6, 'night', 0.2, 200, 0, 9, 0],
      ['Burglary', 'Police', 4, 'office', 0.08, 340, -0.05, 12, 0],
    ]),
  },
  {
    id: 'building-permits',
    kind: 'building-permits',
    name: 'Building permits of Pocket City',
    prefix: 'BP',
    citywide: false,
    toldAtOnce: 0.35,
    toldAfterDays: 1.5,
    categories: plans([
      ['Electrical', 'Buildings', 5, 'office', 0.12, 160, 0.03, 8, 60],
      ['Renovation', 'Buildings', 4.5, 'office', 0.25, 150, 0.02, 8, 120],
      ['New construction', 'Buildings', 2.5, 'office', 0.3, 130, 0.04, 6, 260],
      ['Demolition', 'Buildings', 1.5, 'office', 0.25, 120, 0, 8, 45],
    ]),
  },
  {
    id: 'code-violations',
    kind: 'code-violations',
    name: 'Code violations of Pocket City',
    prefix: 'CV',
    citywide: false,
    toldAtOnce: 0.6,
    toldAfterDays: 2,
    categories: plans([
      ['Trash and debris', 'Inspection', 7, 'office', 0.2, 180, 0.02, 7, 18],
      ['Overgrown lot', 'Inspection', 5, 'office', 0.8, 200, 0, 6, 15],
      ['Unsafe structure', 'Inspection', 3, 'office', 0.08, 60, 0.03, 9, 55],
      ['No heat', 'Inspection', 3, 'even', 0.85, 15, 0.02, 6, 4],
    ]),
  },
  {
    id: 'collisions',
    kind: 'collisions',
    name: 'Collisions of Pocket City',
    prefix: 'CO',
    citywide: false,
    toldAtOnce: 0.3,
    toldAfterDays: 4,
    categories: plans([
      ['Rear end', 'Police', 7, 'street', 0.08, 340, 0.01, 10, 0],
      ['Angle', 'Police', 5, 'street', 0.06, 330, 0, 12, 0],
      ['Pedestrian or bicycle', 'Police', 3, 'street', 0.25, 230, 0.02, 12, 0],
    ]),
  },
  {
    id: 'weather',
    kind: 'weather-observations',
    name: 'Weather observed in Pocket City',
    prefix: 'WX',
    citywide: true,
    toldAtOnce: 0.95,
    toldAfterDays: 1,
    categories: plans([
      ['Rain', 'Weather observers', 4, 'even', 0.2, 130, 0, 1.6, 0],
      ['Snow', 'Weather observers', 1.2, 'even', 1, 15, 0, 1.4, 0],
      ['Fog', 'Weather observers', 1.4, 'even', 0.5, 320, 0, 1.6, 0],
      ['High wind', 'Weather observers', 1.3, 'even', 0.4, 80, 0, 1.6, 0],
    ]),
  },
  {
    id: 'council-matters',
    kind: 'council-matters',
    name: 'Matters before the council of Pocket City',
    prefix: 'M',
    citywide: true,
    toldAtOnce: 0.9,
    toldAfterDays: 3,
    categories: plans([
      ['Ordinance', 'City Council', 0.9, 'office', 0.1, 100, 0.01, 8, 45],
      ['Resolution', 'City Council', 1.2, 'office', 0.1, 110, 0, 8, 21],
      ['Appointment', 'City Council', 0.5, 'office', 0.2, 30, 0, 8, 30],
    ]),
  },
]

/** The plan of a dataset. */
export function planOf(id: DatasetId): DatasetPlan {
  return DATASETS.find((plan) => plan.id === id) as DatasetPlan
}

/** How much larger a city is: service requests, and everything else. */
export const SIZES = {
  S: { requests: 1, others: 1 },
  M: { requests: 9.7, others: 3 },
  L: { requests: 65, others: 12 },
} as const
export type CitySize = keyof typeof SIZES

/** How many times the catalog's rows a dataset has in a city of this size; the council and the weather do not grow. */
export function scaleOf(plan: DatasetPlan, size: CitySize): number {
  if (plan.citywide) return 1
  return plan.id === 'service-requests' ? SIZES[size].requests : SIZES[size].others
}
