import { exitCodeOf } from '../kernel/errors.js'
import { adoptEmbedded, defaultLake } from '../main/embedded.js'
import { cityFolderOf, loadCity } from '../main/load-city.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'

/** Flags of `lake adopt`. */
export interface AdoptOptions extends RunOptions {
  readonly dryRun?: boolean
}

/**
 * `wardbook lake adopt`: hive-partitioned Parquet that is there already becomes raw tables.
 * @param names `<dataset>/<source>` each; none means all hive sources
 * @returns the exit code
 */
export async function runAdopt(
  file: string,
  names: readonly string[],
  options: AdoptOptions,
  output: Output,
): Promise<number> {
  const city = await loadCity(file)
  const lake = options.lake ?? defaultLake(city)
  const { singleWriter } = options
  const settings = {
    ...{ city, lake, mirror: undefined, singleWriter },
    ...{ cityFolder: cityFolderOf(file), report: output.step },
  }
  const { adopted, failures } = await adoptEmbedded(settings, names, options.dryRun ?? false)
  for (const one of adopted) {
    const { dataset, source, verdict, rows } = one
    output.result(`${dataset}/${source}: ${SAID[verdict]}, ${rows} rows`, { adopted: one })
  }
  for (const { stage, dataset, error } of failures) output.error(error, { stage, dataset })
  if (adopted.some(({ verdict }) => verdict === 'committed')) {
    const where = options.lake === undefined ? '' : ` --lake ${options.lake}`
    output.note(`tables and findings from it: wardbook catch-up ${file}${where}`)
  }
  return failures[0] === undefined ? 0 : exitCodeOf(failures[0].error.remedy)
}

const SAID = {
  committed: 'adopted',
  unchanged: 'unchanged, nothing added',
  planned: 'would be adopted (nothing was written)',
} as const
