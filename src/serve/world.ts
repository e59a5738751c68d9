import type { CityFile } from '../contracts/city-file.js'
import { digestOf } from '../kernel/ids.js'
import { type Clock, systemClock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'

/** A table as of one version; its files never change. */
export interface TableVersion {
  readonly root: string
  readonly snapshot: Snapshot
}

/**
 * Which version of each table a page is made from. One page takes all its figures from one world, so that
 * they agree; whatever is made from a world may be kept for ever under its key.
 */
export interface World {
  /** Changes whenever any version does. */
  readonly key: string
  /** Tables that exist, by their place in the lake. */
  readonly tables: ReadonlyMap<string, TableVersion>
}

/** How long a world is taken for the newest before the tables' logs are looked at again. */
const FRESH_MS = 1_000

/** Watches the tables that the pages are made from. */
export class WorldWatch {
  private readonly watched: readonly DeltaTable[]
  private last: { world: World; atMs: number } | undefined
  private reading: Promise<World> | undefined

  /** @param freshMs how old a world may be, in milliseconds; 0: look at every request */
  constructor(
    store: ObjectStore,
    city: CityFile,
    private readonly freshMs: number = FRESH_MS,
    private readonly clock: Clock = systemClock,
  ) {
    this.watched = rootsOf(city).map((root) => new DeltaTable(store, root))
  }

  /** The newest versions, at most `freshMs` old; callers at the same time share one look. @throws as DeltaTable.snapshot */
  async current(): Promise<World> {
    const now = this.clock().getTime()
    if (this.last && now - this.last.atMs < this.freshMs) return this.last.world
    this.reading ??= this.read(now).finally(() => {
      this.reading = undefined
    })
    return this.reading
  }

  private async read(atMs: number): Promise<World> {
    const found = await Promise.all(
      this.watched.map(async (table) => ({ root: table.root, snapshot: await table.snapshot() })),
    )
    const existing = found.filter((table): table is TableVersion => table.snapshot !== undefined)
    const key = digestOf(existing.map(({ root, snapshot }) => [root, snapshot.metaData.id, snapshot.version]))
    const world = key === this.last?.world.key ? this.last.world : worldOf(key, existing)
    this.last = { world, atMs }
    return world
  }
}

function worldOf(key: string, existing: readonly TableVersion[]): World {
  return { key, tables: new Map(existing.map((table) => [table.root, table])) }
}

function rootsOf(city: CityFile): string[] {
  const ofDatasets = Object.entries(city.datasets).flatMap(([dataset, { sources }]) => [
    tables.tidy(dataset),
    ...Object.keys(sources).map((source) => tables.raw(dataset, source)),
  ])
  return [tables.findings(), tables.runs('detect'), tables.runs('ingest'), ...ofDatasets]
}
