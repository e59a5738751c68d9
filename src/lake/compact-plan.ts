import { CityFile, type PartsConfig } from '../contracts/city-file.js'
import { packParts } from '../contracts/pack-parts.js'
import type { LiveFile } from './delta/snapshot.js'

/** Which files of a table are merged. */
export interface CompactionRules {
  /** The most that a merged file holds. */
  readonly budget: PartsConfig
  /** Files of about one size that a partition has before they are merged: fewer mean fewer to read, and more rewriting. */
  readonly leastFiles: number
  /** Whether only files of about one size are merged, so that each row is rewritten a few times at most. */
  readonly bySize: boolean
  /** Files that must stay as they are are told by false. */
  readonly mayMerge: (file: LiveFile) => boolean
}

/** One part budget, as city files have it by default. */
const PART_BUDGET: PartsConfig = CityFile.shape.parts.parse(undefined)

/** For writers that append: files of about one size are merged when a partition has more than 16 of them. */
export const WHILE_WRITING: CompactionRules = {
  budget: PART_BUDGET,
  leastFiles: 17,
  bySize: true,
  mayMerge: () => true,
}

/** For whoever asks: as few files as the budget allows. */
export const ON_DEMAND: CompactionRules = { ...WHILE_WRITING, leastFiles: 2, bySize: false }

/** Each class of sizes spans a factor of 16; a row moves up one class with each rewriting. */
const SIZE_FACTOR = 16
const SMALLEST_CLASS = 4

/**
 * Groups of files to merge, each into one file of at most one budget, its files in the order of their rows: by `since`, then key. Files
 * merge when partition and stage's own tags agree. A pure function of the files: two planners plan the same.
 */
export function planCompaction(files: Iterable<LiveFile>, rules: CompactionRules): LiveFile[][] {
  const groups = new Map<string, LiveFile[]>()
  for (const file of [...files].filter((file) => isSmall(file, rules.budget) && rules.mayMerge(file))) {
    const key = groupKey(file, rules)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [file])
    else group.push(file)
  }
  return [...groups.values()]
    .filter((group) => group.length >= rules.leastFiles)
    .flatMap((group) => packFiles(group, rules.budget))
}

/** The tags that a stage gave a file, without those that tell its bytes. */
export function ownTags({ tags }: LiveFile): Record<string, string> {
  const { sha256: _digest, uncompressedBytes: _bytes, ...own } = tags
  return Object.fromEntries(
    Object.entries(own).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  )
}

/** A file of ours, of at most half a budget: a larger one is merged with hardly anything. */
function isSmall(file: LiveFile, { maxRows, maxUncompressedBytes }: PartsConfig): boolean {
  const { rows, tags } = file
  if (rows === undefined || !tags.sha256 || !tags.uncompressedBytes) return false
  return rows <= maxRows / 2 && bytesOf(file) <= maxUncompressedBytes / 2
}

function groupKey(file: LiveFile, { bySize, budget }: CompactionRules): string {
  const sorted = (values: object) => Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  const size = bySize ? sizeClass(bytesOf(file), budget.maxUncompressedBytes) : 0
  return JSON.stringify([sorted(file.partition), sorted(ownTags(file)), size])
}

function sizeClass(bytes: number, most: number): number {
  const steps = Math.floor(Math.log(most / Math.max(1, bytes)) / Math.log(SIZE_FACTOR))
  return Math.min(SMALLEST_CLASS, Math.max(0, steps))
}

function packFiles(group: LiveFile[], budget: PartsConfig): LiveFile[][] {
  const inOrder = group.toSorted((a, b) => a.since - b.since || (a.key < b.key ? -1 : 1))
  const pieces = inOrder.map((file) => ({ file, rows: file.rows ?? 0, bytes: bytesOf(file) }))
  return packParts(pieces, budget)
    .map((pack) => pack.map(({ file }) => file))
    .filter((pack) => pack.length > 1)
}

function bytesOf({ tags }: LiveFile): number {
  return Number(tags.uncompressedBytes)
}
