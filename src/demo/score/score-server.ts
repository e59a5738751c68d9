import { WardbookError } from '../../kernel/errors.js'
import type { Truth } from '../truth.js'
import type { Fetch } from './read-answer.js'
import { readPublicRecord } from './read-api.js'
import { scoreCity } from './score.js'
import type { Score } from './score-shape.js'

/**
 * Compares what a server shows with what is true of the city that it read.
 * @param url address of the pages, such as http://127.0.0.1:8311
 * @throws WardbookError 'api-unreachable', 'api-failed' (retry), 'api-unusable', 'truth-of-other-city' (fix-config)
 */
export async function scoreServer(truth: Truth, url: string, fetch: Fetch): Promise<Score> {
  const record = await readPublicRecord(url, fetch)
  const own = new Set(truth.datasets.map(({ id }) => id))
  const shown = new Set(record.series.map(({ dataset }) => dataset))
  if (shown.size > 0 && ![...shown].some((dataset) => own.has(dataset)))
    throw otherCity(url, [...own], [...shown])
  return scoreCity(truth, record)
}

function otherCity(url: string, own: readonly string[], shown: readonly string[]): WardbookError {
  const message = `${url} shows another city: its datasets are ${shown.join(', ')}, those of the truth ${own.join(', ')}; name the right ones with --url and --truth`
  return new WardbookError('truth-of-other-city', 'fix-config', message, { url, own, shown })
}
