import { compactLake, vacuumLake } from '../main/lake-care.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'

/** `wardbook lake compact`. @returns the exit code */
export async function compactTables(options: RunOptions, output: Output): Promise<number> {
  await compactLake(options.lake ?? '', ({ table, outcome, files, into }) => {
    const text = { nothing: 'nothing to merge', overtaken: 'changed meanwhile; try again' }
    const what = outcome === 'compacted' ? `${files} files became ${into}` : text[outcome]
    output.result(`${table}: ${what}`, { table, outcome, files, into })
  })
  return 0
}

const DEFAULT_RETENTION_DAYS = 7

/** `wardbook lake vacuum`. @returns the exit code */
export async function vacuumTables(options: RunOptions, output: Output): Promise<number> {
  const { lake = '', dryRun = false, forgetCited: forgetsCited = false } = options
  const { retentionDays = DEFAULT_RETENTION_DAYS } = options
  const total = { files: 0, bytes: 0, logFiles: 0 }
  await vacuumLake(lake, { retentionDays, dryRun, forgetsCited }, ({ table, objects, bytes, kept, log }) => {
    const counts = { files: objects.length, bytes, logFiles: log.keys.length }
    total.files += counts.files
    total.bytes += counts.bytes
    total.logFiles += counts.logFiles
    const versions = `${kept.length} ${kept.length === 1 ? 'version' : 'versions'} kept`
    output.result(`${table}: ${sayCounts(counts)}; ${versions}`, { table, ...counts, kept, dryRun })
  })
  output.result(`${dryRun ? 'would remove' : 'removed'} ${sayCounts(total)}`, { total, dryRun })
  return 0
}

interface Counts {
  readonly files: number
  readonly bytes: number
  readonly logFiles: number
}

function sayCounts({ files, bytes, logFiles }: Counts): string {
  const log = logFiles === 0 ? '' : `, ${logFiles} files of the log`
  return `${files} files, ${bytes} bytes${log}`
}
