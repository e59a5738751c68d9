import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { memberOf, textOf } from '../exact-json.js'

/**
 * The failure of a request that was one too many for the day: the portal says when it takes requests again. Nobody waits for hours in a
 * worker: the run is put off until then.
 * @param failure what the client made of a 429
 * @returns undefined for any other failure
 */
export function quotaSpent(failure: unknown): WardbookError | undefined {
  if (!(failure instanceof WardbookError) || failure.facts.status !== 429) return undefined
  const said = parsed(failure.facts.start)
  const retryAt = textOf(said, 'reset_time')
  const limit = memberOf(said, 'call_limit')
  if (retryAt === undefined) return undefined
  const unit = textOf(said, 'limit_time_unit') ?? 'day'
  const message =
    `${failure.facts.url}: the quota of ${limit ?? 'all'} requests a ${unit} is spent; it is full again at ${retryAt}. Run again then, or ` +
    'set an API key (tokenFrom in the city file)'
  const facts = { ...failure.facts, retryAt, limit, unit }
  return new WardbookError('portal-quota-spent', 'retry', message, facts, { cause: failure })
}

/** Whether a 429 is about the quota of the day, where asking again at once is of no use. */
export function isQuota(status: number, start: string): boolean {
  return status === 429 && textOf(parsed(start), 'reset_time') !== undefined
}

function parsed(start: unknown): Json | undefined {
  try {
    return JSON.parse(String(start)) as Json
  } catch {
    return undefined // a proxy's page: an ordinary 429
  }
}
