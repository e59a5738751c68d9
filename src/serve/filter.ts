import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { addDays, type Day } from '../kernel/time.js'

/** Windows that a page offers; weeks count back from the newest week of the data, which may be years ago. */
export const WINDOWS = ['4w', '8w', '26w', '52w', 'all'] as const
export type WindowName = (typeof WINDOWS)[number]

export const SEVERITIES = ['high', 'medium', 'low'] as const

/** What a page of findings is asked for; its names are the address's parameters. */
export const FindingFilter = z.strictObject({
  since: z.enum(WINDOWS).default('8w').describe('Weeks back from the newest week of the data, or all.'),
  dataset: z.string().min(1).optional().describe("A dataset's name in the city file; default: all."),
  severity: z.enum(SEVERITIES).optional().describe('Only findings of this severity; default: all.'),
  series: z.string().min(1).optional().describe('The series to draw: its key, as in the links of the page.'),
  show: z.enum(['all']).optional().describe('all: every finding, not only the largest.'),
})
export type FindingFilter = z.infer<typeof FindingFilter>

/**
 * Parameters of an address, checked.
 * @param strict unknown parameters are an error (data formats); otherwise they are ignored (pages, which get links
 *               with parameters of mail programs and search engines)
 * @throws WardbookError 'bad-query' (fix-config) naming the parameter and what is allowed
 */
export function parseQuery<Shape extends z.ZodRawShape>(
  shape: z.ZodObject<Shape>,
  search: URLSearchParams,
  strict: boolean,
): z.infer<z.ZodObject<Shape>> {
  const given = Object.fromEntries([...search].filter(([, value]) => value !== ''))
  const known = Object.keys(shape.shape)
  const unknown = Object.keys(given).filter((name) => !known.includes(name))
  if (strict && unknown.length > 0) {
    const allowed = known.length === 0 ? 'none are known here' : `known: ${known.join(', ')}`
    throw badQuery(`unknown parameter '${unknown[0]}'; ${allowed}`, unknown[0] ?? '')
  }
  for (const name of unknown) delete given[name]
  const parsed = shape.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = String(issue?.path[0] ?? '')
  throw badQuery(`parameter '${name}' is '${given[name] ?? ''}': ${issue?.message ?? 'not allowed'}`, name)
}

function badQuery(message: string, parameter: string): WardbookError {
  return new WardbookError('bad-query', 'fix-config', message, { parameter })
}

/** The weeks that a page looks at. */
export interface Period {
  /** Weeks; undefined: all there are. */
  readonly weeks: number | undefined
  readonly from: Day
  readonly to: Day
}

const WEEK_DAYS = 7

/** The span [from, to) of a window that ends with the newest covered week; `oldest` bounds 'all'. */
export function periodOf(since: WindowName, newestWeek: Day, oldest: Day): Period {
  const to = addDays(newestWeek, WEEK_DAYS)
  if (since === 'all') return { weeks: undefined, from: oldest, to }
  const weeks = Number.parseInt(since, 10)
  return { weeks, from: addDays(to, -weeks * WEEK_DAYS), to }
}
