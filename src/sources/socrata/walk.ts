import { unusable } from '../http/read-json.js'
import { withoutSecrets } from '../http/redact.js'
import type { Offer, PageRecord, PageRequest } from '../source.js'
import { EXPORT_SLACK_ROWS, rowsRequest, type SocrataPlan } from './requests.js'

/**
 * The request after the pages that are done. The place in the table is the number of rows RECEIVED: a portal that gives fewer than
 * asked without a word costs requests and no rows. The end is an empty page, or a page that is not full when the count is reached.
 * @throws WardbookError 'portal-answer-unusable' (retry) when more rows came than the portal counted, by more than a page: it does not
 *   keep to the order or the offset, and would go on for ever
 */
export function nextSocrataPage(offer: Offer, done: readonly PageRecord[]): PageRequest | undefined {
  const plan = offer.plan as unknown as SocrataPlan
  const published = (offer.columns ?? []).map(({ name }) => name)
  const columns = offer.key?.hidden ? [offer.key.column, ...published] : published
  const counted = offer.rows ?? Number.POSITIVE_INFINITY
  const received = done.reduce((sum, { signals }) => sum + signals.rows, 0)
  const last = done.at(-1)
  if (last !== undefined && isEnd(last, received, counted)) return undefined
  if (last !== undefined && received > counted + (last.request.maxRows ?? 0)) {
    const facts = { counted, received, pages: done.length }
    throw unusable(
      withoutSecrets(last.request.url),
      `brings ${received} rows of a table that was counted at ${counted}, and more`,
      { remedy: 'retry', facts },
    )
  }
  const rows = plan.as === 'json' ? plan.pageRows : Math.max(0, counted - received) + EXPORT_SLACK_ROWS
  return rowsRequest(plan, columns, done.length, received, rows)
}

function isEnd(last: PageRecord, received: number, counted: number): boolean {
  if (last.signals.rows === 0) return true
  return received >= counted && last.signals.rows < (last.request.maxRows ?? 0)
}
