import { adoptSource, planSource } from '../ingest/adopt/adopt-source.js'
import { asWardbookError, WardbookError } from '../kernel/errors.js'
import { scopeTo } from '../lake/prefixes.js'
import { type Failure, hiveSources, type PipelineParts } from './pipeline.js'

/** What came of one source, or what would come. */
export interface Adopted {
  readonly dataset: string
  readonly source: string
  readonly verdict: 'committed' | 'unchanged' | 'planned'
  /** Version of the raw table; -1 when there is none yet. */
  readonly version: number
  /** Rows of the table; of a plan, the rows that it would write. */
  readonly rows: number
}

/**
 * Adopts hive sources of a city, one after the other; a source that fails does not stop the others.
 * @param names  `<dataset>/<source>` each; none means all
 * @param dryRun plans only: nothing is written
 * @throws WardbookError 'adopt-needs-hive' (fix-config) for a name that is no hive source, and when the city file has none
 */
export async function adoptHive(
  parts: PipelineParts,
  names: readonly string[],
  dryRun: boolean,
): Promise<{ adopted: Adopted[]; failures: Failure[] }> {
  const context = { ...parts, store: scopeTo('ingest', parts.store) }
  const [adopted, failures]: [Adopted[], Failure[]] = [[], []]
  for (const [dataset, source] of chosen(parts, names)) {
    try {
      if (dryRun) adopted.push(await planned(context, dataset, source))
      else adopted.push({ dataset, source, ...(await adoptSource(context, dataset, source)) })
    } catch (thrown) {
      failures.push({ stage: 'ingest', dataset, error: asWardbookError(thrown) })
    }
  }
  return { adopted, failures }
}

async function planned(
  context: Parameters<typeof planSource>[0],
  dataset: string,
  source: string,
): Promise<Adopted> {
  const plan = await planSource(context, dataset, source)
  if (plan === undefined) return { dataset, source, verdict: 'unchanged', version: -1, rows: 0 }
  const rows = plan.written.reduce((sum, division) => sum + division.rows, 0)
  return { dataset, source, verdict: 'planned', version: -1, rows }
}

function chosen({ city }: PipelineParts, names: readonly string[]): [dataset: string, source: string][] {
  const all = hiveSources(city)
  const known = all.map((pair) => pair.join('/'))
  const wrong = names.find((name) => !known.includes(name))
  if (wrong === undefined && all.length > 0) {
    return names.length === 0 ? all : all.filter((pair) => names.includes(pair.join('/')))
  }
  throw new WardbookError(
    'adopt-needs-hive',
    'fix-config',
    `${wrong ?? 'this city file'} ${wrong === undefined ? 'has' : 'is'} no source of the family hive; there are: ${known.join(', ') || 'none'}`,
    { wrong, hives: known },
  )
}
