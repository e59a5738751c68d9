import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyChunking, inChunks } from '../../testkit/chunks.js'
import { anyStyle, anyTable, type CsvTable, csvOf, DIVISION_COLUMN } from '../../testkit/csv-tables.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv } from '../sources/files/read-csv.js'
import { type DivisionSettings, divisionFromColumn } from './division-rule.js'
import { GrowingFile } from './growing-file.js'
import { RunFiles } from './run-files.js'
import { type CsvPage, PageSplitter, type SplitSource, type Splitter } from './split-pages.js'
import { ThreadSplitter } from './thread-splitter.js'

const BY_DISTRICT: DivisionSettings = { column: DIVISION_COLUMN, values: { '0': 'unassigned' } }

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-split-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function pageOf(page: number, bytes: AsyncIterable<Uint8Array>, delimiter = ','): CsvPage {
  return { page, url: `${page}.csv`, delimiter, emptyIsNull: false, bytes }
}

/** Bytes of a page that is read from its file. */
function neverRead(): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      throw new Error('read as a stream')
    },
  }
}

/** Rows that a split holds: the division, then the cells, then the page. */
async function rowsOf({ divisions, layouts }: SplitSource): Promise<string[][]> {
  const rows: string[][] = []
  for (const { division, runs } of divisions) {
    for (const run of runs) {
      const delimiter = layouts[run.layout]?.delimiter ?? ','
      const reading = { delimiter, wanted: [], isDivision: false, file: run.file }
      const { goodRows } = await readCsv(inChunks(await readFile(run.file)), reading, {
        onGood: (buffer, start, end) =>
          rows.push([division, ...cellsOf(buffer.toString('utf8', start, end), delimiter)]),
      })
      expect(goodRows).toBe(run.rows)
    }
  }
  return rows
}

const asBag = (rows: readonly (readonly string[])[]) => rows.map((row) => JSON.stringify(row)).sort()

describe('splitting pages by division', () => {
  it('puts every row of any tables into its division once, with its page, whatever the style and the chunks', async () => {
    const anyPages = fc.array(fc.tuple(anyTable, anyStyle, anyChunking), { minLength: 1, maxLength: 3 })
    const rule = divisionFromColumn(BY_DISTRICT)
    await fc.assert(
      fc.asyncProperty(anyPages, (pages) =>
        inFolder(async (folder) => {
          const splitter = await PageSplitter.open(folder, rule)
          for (const [page, [table, style, chunks]] of pages.entries())
            await splitter.take(pageOf(page, inChunks(csvOf(table, style), chunks), style.delimiter))
          const split = await splitter.finish()
          const expected = pages.flatMap(([{ rows }], page) =>
            rows.map((row) => [rule.of([row.at(-1) as string]), ...row, String(page)]),
          )
          expect(asBag(await rowsOf(split))).toEqual(asBag(expected))
          expect(split.pages.map(({ goodRows }) => goodRows)).toEqual(pages.map(([{ rows }]) => rows.length))
        }),
      ),
      { numRuns: 60 },
    )
  })

  it('gives the same files in a thread of its own', async () => {
    const table: CsvTable = {
      header: ['id', 'Note', DIVISION_COLUMN],
      rows: Array.from({ length: 20_000 }, (_, at) => [`${at}`, `a "quoted"\nnote ${at}`, `${at % 7}`]),
    }
    const filesOf = (open: (folder: string) => Promise<Splitter>) =>
      inFolder(async (folder) => {
        const splitter = await open(join(folder, 'rows'))
        await splitter.take(pageOf(0, inChunks(csvOf(table), [70_000])))
        await splitter.take(pageOf(1, inChunks(Buffer.from(`${DIVISION_COLUMN}\n9\n`))))
        const { divisions, pages } = await splitter.finish()
        const names = (await readdir(join(folder, 'rows'))).sort()
        const files = await Promise.all(names.map((name) => readFile(join(folder, 'rows', name), 'utf8')))
        await splitter.remove()
        expect(await readdir(folder)).toEqual([])
        return { pages, files, rows: divisions.map(({ division, runs }) => [division, runs[0]?.rows]) }
      })
    const here = await filesOf((folder) => PageSplitter.open(folder, divisionFromColumn(BY_DISTRICT)))
    const there = await filesOf(async (folder) => new ThreadSplitter(folder, BY_DISTRICT))
    expect(there).toEqual(here)
    expect(here.rows.map(([division]) => division)).toEqual(['1', '2', '3', '4', '5', '6', '9', 'unassigned'])
  })

  it('reads in a thread the file that a page is received into, as it grows, and one that is whole', async () => {
    const table = `id,${DIVISION_COLUMN}\n${Array.from({ length: 90_000 }, (_row, at) => `${at},${at % 7}\n`).join('')}`
    const sizes = [1, 30, 700_000, 5, 200_000, 64]
    await inFolder(async (folder) => {
      async function* slowly() {
        let at = 0
        for (const size of [...sizes, table.length]) {
          yield Buffer.from(table.slice(at, at + size))
          at += size
          await sleep(5)
        }
      }
      const growing = new GrowingFile('page', join(folder, 'page.csv'), slowly())
      const fromStream = await PageSplitter.open(join(folder, 'here'), divisionFromColumn(BY_DISTRICT))
      const fromFile = new ThreadSplitter(join(folder, 'there'), BY_DISTRICT)
      for (const page of [0, 1]) {
        const { arrival: _, ...whole } = growing.body()
        const plain = page === 0 ? growing.body() : whole
        const streamed = pageOf(page, inChunks(Buffer.from(table)))
        const told = await fromFile.take({ ...pageOf(page, neverRead()), plain })
        expect(told).toEqual(await fromStream.take(streamed))
      }
      expect(await rowsOf(await fromFile.finish())).toEqual(await rowsOf(await fromStream.finish()))
    })
  })

  it('throws what broke off the transfer of a file that a thread reads', async () => {
    await inFolder(async (folder) => {
      async function* breaking() {
        yield Buffer.from(`${DIVISION_COLUMN}\n7\n`)
        await sleep(20)
        throw new Error('cut')
      }
      const growing = new GrowingFile('page', join(folder, 'page.csv'), breaking())
      const splitter = new ThreadSplitter(join(folder, 'rows'), BY_DISTRICT)
      await expect(splitter.take({ ...pageOf(0, neverRead()), plain: growing.body() })).rejects.toThrow('cut')
      await splitter.remove()
    })
  })

  it('throws at once what a thread finds while the transfer goes on, and before what becomes of that', async () => {
    await inFolder(async (folder) => {
      let breakOff: (thrown: Error) => void = () => {}
      const dead = new Promise<never>((_never, reject) => {
        breakOff = reject
      })
      async function* stalling() {
        yield Buffer.from(`a,b\n${'1,2\n'.repeat(600_000)}`)
        await dead
      }
      const growing = new GrowingFile('page', join(folder, 'page.csv'), stalling())
      const splitter = new ThreadSplitter(join(folder, 'rows'), BY_DISTRICT)
      const taking = splitter.take({ ...pageOf(0, neverRead()), plain: growing.body() })
      await expect(taking).rejects.toMatchObject({ code: 'partition-column-missing' })
      breakOff(new Error('the line went dead'))
      await splitter.remove()
    })
  })

  it('throws in a thread what it throws here: what a page is not, and what its bytes failed with', async () => {
    await inFolder(async (folder) => {
      const html = new ThreadSplitter(join(folder, 'a'), BY_DISTRICT)
      await expect(html.take(pageOf(0, inChunks(Buffer.from('<html></html>'))))).rejects.toMatchObject({
        code: 'answered-html',
        remedy: 'fix-source',
      })
      await html.remove()
      async function* breaking() {
        yield Buffer.from(`${DIVISION_COLUMN}\n7\n`)
        throw new Error('cut')
      }
      const broken = new ThreadSplitter(join(folder, 'b'), BY_DISTRICT)
      await expect(broken.take(pageOf(0, breaking()))).rejects.toThrow('cut')
      await broken.remove()
    })
  })

  it('remembers that an empty cell without quotes may be null: it stays as it was published', async () => {
    await inFolder(async (folder) => {
      const splitter = await PageSplitter.open(folder, divisionFromColumn(BY_DISTRICT))
      const bytes = inChunks(Buffer.from(`a,b,${DIVISION_COLUMN}\n"",,7\n5",,7\n`))
      await splitter.take({ ...pageOf(0, bytes), emptyIsNull: true })
      const { divisions, layouts } = await splitter.finish()
      const file = divisions[0]?.runs[0]?.file as string
      expect(await readFile(file, 'utf8')).toBe('0,1,2,3\n"",,7,0\n"5""",,"7",0\n')
      expect(layouts[0]?.emptyIsNull).toBe(true)
    })
  })
})

describe('run files', () => {
  it('hold what was appended, in order, with more of them than a process may have open, and records of any size', async () => {
    await inFolder(async (folder) => {
      const files = new RunFiles(folder, 'run')
      const header = Buffer.from('0,1')
      const runs = Array.from({ length: 600 }, () => files.start(0, header))
      const expected = runs.map(() => '0,1\n')
      for (let at = 0; at < 6_000; at++) {
        const size = at === 4_321 ? 700_000 : (at * 7_919) % 3_000
        const record = Buffer.from(`${at} ${'x'.repeat(size)}`)
        const place = (at * 31) % runs.length
        files.append(runs[place] as (typeof runs)[number], record, 0, record.length, Buffer.from(',0'))
        expected[place] += `${record},0\n`
      }
      files.finish()
      for (const [at, { file, bytes, rows }] of runs.entries()) {
        const text = await readFile(file, 'utf8')
        expect(text === expected[at]).toBe(true)
        expect(bytes).toBe(text.length - '0,1\n'.length - 3 * rows + 16 * rows)
      }
    })
  })
})
