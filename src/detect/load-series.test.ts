import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SERIES_COLUMNS } from '../contracts/columns.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { writeRows } from '../lake/duckdb/rows.js'
import { loadGrid, loadWeeklyCounts } from './load-series.js'

describe('loading series', () => {
  it('lets a day that is decades off neither stretch the weeks nor what the page covers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-series-'))
    try {
      await withEngine(LEAN, folder, async (engine) => {
        const days = ['1963-01-05', '2026-01-05', '2026-01-12', '2026-01-25', '2062-01-05']
        const rows = days.map((day) => ({
          metric: 'm',
          category: 'c',
          day,
          _source: 's',
          _source_page: 0,
          count: 2,
        }))
        const file = (await writeRows(engine, folder, 'series', rows, SERIES_COLUMNS, {}))?.file as string
        const division = { division: '1', files: [file] }
        const grid = await loadGrid(engine, [division], 'm')
        expect(grid.weeks).toEqual(['2026-01-05', '2026-01-12', '2026-01-19'])
        const [series] = await loadWeeklyCounts(engine, division, 'm', grid)
        expect([...(series?.counts ?? [])]).toEqual([2, 2, 2])
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('takes pages of one table as one, so that a page with a few changed rows leaves no gap and no category out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-series-'))
    try {
      await withEngine(LEAN, folder, async (engine) => {
        const row = (_source_page: number, category: string, day: string) => ({
          ...{ metric: 'm', _source: 's', count: 1 },
          ...{ _source_page, category, day },
        })
        const rows = [
          row(0, 'common', '2026-01-05'),
          row(0, 'rare', '2026-01-11'),
          row(3, 'common', '2026-02-01'),
        ]
        const file = (await writeRows(engine, folder, 'series', rows, SERIES_COLUMNS, {}))?.file as string
        const division = { division: '1', files: [file] }
        const rare = async (shared: Record<string, number[][]>) =>
          (await loadWeeklyCounts(engine, division, 'm', await loadGrid(engine, [division], 'm', shared)))[1]
        expect([...((await rare({}))?.counts ?? [])]).toEqual([1, Number.NaN, Number.NaN, Number.NaN])
        expect([...((await rare({ s: [[0, 3]] }))?.counts ?? [])]).toEqual([1, 0, 0, 0])
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
