import { WardbookError } from '../../kernel/errors.js'
import { unusable } from '../http/read-json.js'
import type { SocrataApi } from './api.js'
import { countRequest, type SocrataPlan } from './requests.js'

/** A table's rows by the portal's own count, and the interface that counted. */
export interface Counted {
  readonly api: SocrataPlan['api']
  readonly rows: number
  /** Kept headers of the answer. */
  readonly headers: Readonly<Record<string, string>>
}

/** Headers that tell how far the copy that answers lies behind the portal's own truth, and which dialect it speaks. */
export const KEPT_HEADERS = [
  'x-soda2-data-out-of-date',
  'x-soda2-truth-last-modified',
  'x-soda2-secondary-last-modified',
  'x-soda2-legacy-types',
] as const

/** Of the headers, those that tell of the copy that answered; by lower-case name. */
export function keptHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) as string]] : [])),
  )
}

/** Whether the copy that answered is older than the portal's own truth: then rows are older than the metadata says. */
export function lags(headers: Readonly<Record<string, string>>): boolean {
  const truth = Date.parse(headers['x-soda2-truth-last-modified'] ?? '')
  const copy = Date.parse(headers['x-soda2-secondary-last-modified'] ?? '')
  return headers['x-soda2-data-out-of-date'] === 'true' || copy < truth
}

/**
 * Counts a table with the interface that the settings name; `auto` turns to SODA 3 only where the portal refuses SODA 2.
 * @throws WardbookError 'source-no-table' (fix-config) when there is nothing to count; the errors of a request
 */
export async function countRows(
  api: SocrataApi,
  portal: string,
  id: string,
  wanted: 'auto' | SocrataPlan['api'],
): Promise<Counted> {
  if (wanted !== 'auto') return countWith(api, portal, id, wanted)
  try {
    return await countWith(api, portal, id, 'soda2')
  } catch (refused) {
    if (!isRefusalOfApi(refused)) throw refused
    return countWith(api, portal, id, 'soda3').catch(() => {
      throw refused // the first refusal says more to people than that of an interface which the portal may not have
    })
  }
}

/**
 * How many rows a plan with a condition has.
 * @returns undefined when the portal does not take the question
 * @throws WardbookError the errors of a request that may pass
 */
export async function countChanged(api: SocrataApi, plan: SocrataPlan): Promise<number | undefined> {
  try {
    const { json } = await api.json(countRequest(plan))
    return countIn(json)
  } catch (thrown) {
    if (thrown instanceof WardbookError && thrown.remedy === 'fix-source') return undefined
    throw thrown
  }
}

async function countWith(
  api: SocrataApi,
  portal: string,
  id: string,
  dialect: SocrataPlan['api'],
): Promise<Counted> {
  const { json, url, headers } = await api.json(countRequest({ portal, id, api: dialect }))
  const rows = countIn(json)
  if (rows !== undefined) return { api: dialect, rows, headers: keptHeaders(headers) }
  if (!Array.isArray(json) || json.length > 0) throw unusable(url, 'is no count', { remedy: 'retry' })
  const message = `${id} has no rows that can be counted: it is no table (the portal answered [] to the count)`
  throw new WardbookError('source-no-table', 'fix-config', message, { id, url })
}

/** The count in `[{"count":"1001"}]`: a text or a number, under `count` or a name like `count_1`; undefined when there is none. */
export function countIn(answer: unknown): number | undefined {
  const row: unknown = Array.isArray(answer) && answer.length === 1 ? answer[0] : undefined
  if (typeof row !== 'object' || row === null) return undefined
  const [value, ...more] = Object.entries(row)
    .filter(([name]) => /^count(_\w+)?$/.test(name))
    .map(([, count]) => (/^\d+$/.test(String(count)) ? Number(count) : Number.NaN))
  return more.length === 0 && Number.isSafeInteger(value) ? value : undefined
}

/** SODA 2 is not there or not for everybody; a missing table is missing in SODA 3 as well. */
function isRefusalOfApi(thrown: unknown): boolean {
  if (!(thrown instanceof WardbookError)) return false
  return thrown.code === 'portal-refused' || thrown.facts.status === 410
}
