import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A path below the folder `shared/` that lies beside the repository or beside a folder above it; undefined without one. */
export function findShared(...path: string[]): string | undefined {
  for (let folder = import.meta.dirname; dirname(folder) !== folder; folder = dirname(folder)) {
    const beside = join(dirname(folder), 'shared', ...path)
    if (existsSync(beside)) return beside
  }
  return undefined
}

/** A test's title, with the reason when it has to be skipped. */
export function titleWith(found: string | undefined, title: string): string {
  return found === undefined ? `${title} (skipped: ../shared is absent)` : title
}
