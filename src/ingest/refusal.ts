import { WardbookError } from '../kernel/errors.js'
import type { OfferJudgement } from './read-offers.js'
import type { SourceWork } from './source-work.js'

/**
 * Why a read is not taken after it was made again and again.
 * @param unfit    offers whose last read was not complete
 * @param unlisted names of offers that came while the others were read
 */
export function refusal(
  { datasetId, sourceId }: SourceWork,
  unfit: readonly OfferJudgement[],
  unlisted: readonly string[],
): WardbookError {
  const source = `${datasetId}/${sourceId}`
  const [worst] = unfit
  const facts = { dataset: datasetId, source: sourceId, offer: worst?.offer.name, unlisted }
  if (worst === undefined || worst.verdict.kind === 'changed' || worst.verdict.kind === 'complete') {
    const what =
      worst?.verdict.kind === 'changed' ? worst.verdict.what : `${unlisted.join(', ')} came meanwhile`
    const name = worst === undefined ? '' : ` ${worst.offer.name}:`
    const message = `${source} changed each time while it was read (${name} ${what}); nothing was committed, read it again later`
    return new WardbookError('changed-during-read', 'retry', message, facts)
  }
  if (worst.verdict.kind === 'count-differs') {
    const { counted, received } = worst.verdict
    const message =
      `${source}: the portal counts ${counted} rows in ${worst.offer.name}, and ${received} came; nothing was committed. ` +
      'Ask the publisher; for a portal whose count is known to be wrong, countTolerance in the city file allows a share'
    return new WardbookError('count-differs', 'fix-source', message, { ...facts, counted, received })
  }
  const { repeated } = worst.verdict
  const message =
    `${source}: ${repeated} rows of ${worst.offer.name} came twice by their ${worst.offer.key?.column}, so others are missing: ` +
    'the portal does not keep the order that was asked for; nothing was committed'
  return new WardbookError('rows-repeated', 'fix-source', message, { ...facts, repeated })
}
