import type { CityFile } from '../contracts/city-file.js'
import type { PointCounts } from '../contracts/points.js'
import { RUNS_PARTITION, tables } from '../lake/tables.js'
import { readPoints } from './read-points.js'
import type { TableReader } from './table-reader.js'
import type { World } from './world.js'

/** Where a dataset's rows come from, and how fresh they are. */
export interface SourceFacts {
  readonly dataset: string
  readonly datasetName: string
  readonly source: string
  /** Rows of the newest snapshot. */
  readonly rows: number
  /** When we last read it. */
  readonly readAt: string | null
  /** When the publisher last changed it, as far as the publisher says. */
  readonly publishedAt: string | null
  /** Files or pages that were read. */
  readonly pages: number
  /** Addresses of the last of them, newest first. */
  readonly urls: readonly string[]
  /** SHA-256 of those files or pages. */
  readonly sha256: readonly string[]
  readonly rawVersion: number | null
  readonly license: string | null
  readonly licenseUrl: string | null
  readonly attribution: string | null
  /** How the rows were assigned by their points; null where another column says the division. */
  readonly points: PointCounts | null
}

interface PageRow {
  readonly source: string
  readonly dataset: string
  readonly rows: number
  readonly pages: number
  readonly readAt: string | null
  readonly publishedAt: string | null
  readonly urls: string
  readonly sha256: string
}

const URLS_SHOWN = 3

const PAGES_QUERY = (scan: string) => `
  WITH newest AS (
    SELECT *, max(snapshot) OVER (PARTITION BY dataset, source) AS last FROM ${scan}
  )
  SELECT dataset, source, sum(rows_in)::BIGINT AS rows, count(*) AS pages, max(read_at) AS "readAt", max(published_at) AS "publishedAt",
    to_json(list(url ORDER BY page DESC)[1:${URLS_SHOWN}])::VARCHAR AS urls,
    to_json(list(sha256 ORDER BY page DESC)[1:${URLS_SHOWN}])::VARCHAR AS sha256
  FROM newest WHERE snapshot = last GROUP BY dataset, source`

/** Source, license and freshness of every source in the city file, also of those that were never read. */
export async function readSources(reader: TableReader, world: World, city: CityFile): Promise<SourceFacts[]> {
  const runs = world.tables.get(tables.runs('ingest'))
  const known = (value: string | null | undefined) => value != null && value in city.datasets
  const pages = runs
    ? await reader.rows<PageRow>(runs, (partition) => known(partition[RUNS_PARTITION[0]]), PAGES_QUERY)
    : []
  const facts = Object.entries(city.datasets).flatMap(([dataset, config]) =>
    Object.keys(config.sources).map(async (source) => {
      const raw = world.tables.get(tables.raw(dataset, source))
      const page = pages.find((row) => row.dataset === dataset && row.source === source)
      return {
        dataset,
        datasetName: config.name,
        source,
        rows: page?.rows ?? 0,
        pages: page?.pages ?? 0,
        readAt: page?.readAt ?? null,
        publishedAt: page?.publishedAt ?? null,
        urls: page ? namesOf(page.urls) : [],
        sha256: page ? namesOf(page.sha256) : [],
        rawVersion: raw?.snapshot.version ?? null,
        license: config.license?.name ?? null,
        licenseUrl: config.license?.url ?? null,
        attribution: config.attribution ?? null,
        points: (raw && (await readPoints(reader.store, raw))) ?? null,
      }
    }),
  )
  return Promise.all(facts)
}

function namesOf(json: string): string[] {
  return (JSON.parse(json) as (string | null)[]).filter((name) => name !== null)
}
