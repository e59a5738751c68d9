import type { Snapshot } from './delta/snapshot.js'

/** Values of a partition column over the live files, each once, ascending. */
export function partitionValues(snapshot: Snapshot, column: string): string[] {
  const values = [...snapshot.files.values()].flatMap((file) => file.partition[column] ?? [])
  return [...new Set(values)].sort()
}
