import type { CityFile } from '../contracts/city-file.js'
import type { NewFile } from '../lake/delta/table.js'

/** A division's inputs: its series files, and the tidy files that its evidence rows come from. */
export interface DetectDivision {
  readonly division: string
  /** Objects of the live series files. */
  readonly series: readonly string[]
  readonly evidence: readonly { readonly path: string; readonly sha256: string }[]
}

/** All series of one dataset and metric: corrected together, week by week. */
export interface DetectJob {
  readonly city: CityFile
  readonly dataset: string
  readonly metric: string
  readonly testsTable: string
  readonly outboxTable: string
  readonly divisions: readonly DetectDivision[]
  /** Tables that the findings rest on, with their versions. */
  readonly tables: readonly { readonly table: string; readonly version: number }[]
  /** Number of each source's snapshot, as its `dataset.published` event has it. */
  readonly snapshots: Readonly<Record<string, number>>
  /** Pages that came from one table of the portal, by source: together they cover what it covers. Pages that stand alone are left out. */
  readonly sharedPages: Readonly<Record<string, readonly (readonly number[])[]>>
  /** When the newest publication behind the series was published, ISO 8601 UTC. */
  readonly publishedAt: string
  /** Number that names the made files: the largest raw version. */
  readonly made: number
}

/** What detection made: files that wait for their commits, and the counts for people. */
export interface DetectResult {
  readonly tests: readonly NewFile[]
  readonly proposals: readonly NewFile[]
  readonly seriesTested: number
  readonly seriesUntested: number
  readonly weeksTested: number
  readonly findings: number
  readonly open: number
}
