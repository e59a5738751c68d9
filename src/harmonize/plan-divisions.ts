import { reachedVersion } from '../contracts/positions.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { rawPartOf } from '../lake/duckdb/raw-rows.js'
import { partitionValues } from '../lake/partitions.js'
import type { DivisionInput } from './harmonize-job.js'
import { appIdOf, quarantineOf, type RawTable, type SourceScope } from './source-scope.js'

/** Which divisions are behind the raw table, and which of them have other rows than before. */
export async function planDivisions(scope: SourceScope) {
  const { raw, dataset } = scope
  const tidy = await scope.tidy.snapshot()
  const column = dataset.partition.column
  const quarantine = await quarantineOf(scope).snapshot()
  const all = [
    ...new Set([
      ...partitionValues(raw.snapshot, column),
      ...tidyDivisions(tidy, column, raw.source),
      ...(quarantine ? partitionValues(quarantine, column) : []),
    ]),
  ].sort()
  const changed: DivisionInput[] = []
  const unchanged: string[] = []
  for (const division of all) {
    const position = reachedVersion(tidy?.positions, appIdOf(scope, division))
    if (position >= raw.version) continue
    const files = filesOf(raw.snapshot, column, division)
    const before = position < 0 ? undefined : await raw.table.snapshot(position)
    if (before && keysOf(filesOf(before, column, division)) === keysOf(files)) unchanged.push(division)
    else changed.push(inputOf(raw, division, files))
  }
  return { all, changed, unchanged }
}

function tidyDivisions(tidy: Snapshot | undefined, column: string, source: string): string[] {
  const files = [...(tidy?.files.values() ?? [])].filter((file) => file.tags.source === source)
  return files.flatMap((file) => file.partition[column] ?? [])
}

function filesOf(snapshot: Snapshot, column: string, division: string): LiveFile[] {
  return [...snapshot.files.values()].filter((file) => file.partition[column] === division)
}

/** A registered file may come again under its name with other bytes. */
function keysOf(files: readonly LiveFile[]): string {
  return files
    .map(({ key, tags }) => `${key} ${tags.sha256}`)
    .sort()
    .join('\n')
}

function inputOf(raw: RawTable, division: string, files: readonly LiveFile[]): DivisionInput {
  return {
    division,
    parts: files.map((file) => rawPartOf(raw.table.root, file)),
    rows: files.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    bytes: files.reduce((sum, { tags, size }) => sum + Number(tags.uncompressedBytes ?? size), 0),
  }
}
