import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PageBody } from '../sources/decode/decoded-page.js'
import { cellsOf, strictRecord } from '../sources/files/csv-records.js'
import { type BadRow, type CsvSummary, readCsv } from '../sources/files/read-csv.js'
import { type Corrections, PageCorrector } from './corrections.js'
import type { DivisionRule } from './division-rule.js'
import { finishedRun, type Run, RunFiles, type RunHandle } from './run-files.js'

/** A page as a stream of CSV in UTF-8, wherever it comes from. */
export interface CsvPage {
  /** Number within the source, from 0; each row carries it. */
  readonly page: number
  /** Where it comes from, for errors and records. */
  readonly url: string
  /** Field separator, one ASCII character. */
  readonly delimiter: string
  /** Whether an empty cell without quotes is null; an empty text is `""` then. Files of publishers know no null. */
  readonly emptyIsNull: boolean
  /** The page from its header line on, decompressed. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** The local file that holds the same bytes, where there is one. */
  readonly plain?: PageBody | undefined
}

/** How rows lie in a run: the page's header, its separator, and whether an empty cell is null. */
export interface Layout {
  readonly header: readonly string[]
  readonly delimiter: string
  readonly emptyIsNull: boolean
}

/** A page after it was read: rows in = goodRows + badRows. */
export interface SplitPage extends CsvSummary {
  readonly page: number
  readonly url: string
}

/** All rows of one division. */
export interface DivisionRuns {
  readonly division: string
  readonly runs: readonly Run[]
}

/** A source after it was read: every row is in a run or among the bad rows. */
export interface SplitSource {
  readonly pages: readonly SplitPage[]
  readonly layouts: readonly Layout[]
  /** Ascending by division. */
  readonly divisions: readonly DivisionRuns[]
  /** Lines of JSON with the bad rows and their pages; undefined when there are none. */
  readonly badRows: string | undefined
}

/** Takes pages one after the other; `finish` when all are taken, `remove` in any case. */
export interface Splitter {
  /** Reads a page to its end. @returns what it held @throws the errors of `readCsv` and of the page's own bytes; the splitter is of no more use then */
  take(page: CsvPage): Promise<SplitPage>
  /** Completes the files. */
  finish(): Promise<SplitSource>
  /** Removes all files. */
  remove(): Promise<void>
}

/**
 * Reads pages one after the other and puts each row where it belongs: good rows into the file of their division, bad ones
 * aside. One pass in constant memory over the bytes as they arrive; equal pages give equal files.
 */
export class PageSplitter implements Splitter {
  private readonly pages: SplitPage[] = []
  private readonly layouts: Layout[] = []
  private readonly layoutNumbers = new Map<string, number>()
  private readonly divisions = new Map<string, Map<number, RunHandle>>()
  private readonly files: RunFiles
  /** Whether the one wanted cell is the division as it is published. */
  private readonly isDivision: boolean
  private badRows: number | undefined

  private constructor(
    private readonly folder: string,
    private readonly rule: DivisionRule,
    private readonly corrections?: Corrections['of'],
  ) {
    this.files = new RunFiles(folder, 'run')
    this.isDivision = rule.columns.length === 1 && rule.isAskedEachRow !== true
  }

  /** @param folder made for the files of this splitter alone; @param corrections what stands for a bad row, by its raw text */
  static async open(
    folder: string,
    rule: DivisionRule,
    corrections?: Corrections['of'],
  ): Promise<PageSplitter> {
    await mkdir(folder, { recursive: true })
    return new PageSplitter(folder, rule, corrections)
  }

  async take(page: CsvPage): Promise<SplitPage> {
    const { delimiter, url: file } = page
    let sorter: PageSorter | undefined
    const wanted = this.rule.columns
    const reading = { delimiter, wanted, isDivision: this.isDivision, file }
    const corrector = new PageCorrector(delimiter, wanted, this.corrections)
    const summary = await readCsv(page.bytes, reading, {
      onHeader: (header) => {
        sorter = this.sorterFor(page, header)
        corrector.begin(header)
      },
      onGood: (buffer, start, end, isRegular, ranges) =>
        (sorter as PageSorter).take(buffer, start, end, isRegular, ranges),
      onBad: (row) => {
        const left = corrector.take(row, sorter as PageSorter)
        if (left !== undefined) this.setAside(page, left)
      },
    })
    const split = { page: page.page, url: page.url, ...corrector.counted(summary) }
    this.pages.push(split)
    return split
  }

  async finish(): Promise<SplitSource> {
    this.files.finish()
    this.closeBadRows()
    const divisions = [...this.divisions].map(([division, byLayout]) => ({
      division,
      runs: [...byLayout.values()].map(finishedRun),
    }))
    return {
      pages: this.pages.toSorted((a, b) => a.page - b.page),
      layouts: this.layouts,
      divisions: divisions.sort((a, b) => (a.division < b.division ? -1 : 1)),
      badRows: this.badRows === undefined ? undefined : this.badFile(),
    }
  }

  async remove(): Promise<void> {
    this.files.close()
    this.closeBadRows()
    await rm(this.folder, { recursive: true, force: true })
  }

  private sorterFor({ page, delimiter, emptyIsNull }: CsvPage, header: readonly string[]): PageSorter {
    const key = JSON.stringify([header, delimiter, emptyIsNull])
    const layout = this.layoutNumbers.get(key) ?? this.layouts.push({ header, delimiter, emptyIsNull }) - 1
    this.layoutNumbers.set(key, layout)
    const firstLine = Buffer.from([...header.keys(), header.length].join(delimiter))
    const runFor = (cells: readonly string[]) => this.runOf(this.rule.of(cells), layout, firstLine)
    const suffix = Buffer.from(`${delimiter}${page}`)
    return new PageSorter(this.files, runFor, this.isDivision, delimiter, suffix)
  }

  private runOf(division: string, layout: number, firstLine: Uint8Array): RunHandle {
    const byLayout = this.divisions.get(division) ?? new Map<number, RunHandle>()
    this.divisions.set(division, byLayout)
    const run = byLayout.get(layout) ?? this.files.start(layout, firstLine)
    byLayout.set(layout, run)
    return run
  }

  private setAside({ page, url }: CsvPage, row: BadRow): void {
    this.badRows ??= openSync(this.badFile(), 'a')
    writeSync(this.badRows, `${JSON.stringify({ page, url, ...row })}\n`)
  }

  private closeBadRows(): void {
    if (this.badRows !== undefined && this.badRows >= 0) closeSync(this.badRows)
    if (this.badRows !== undefined) this.badRows = -1
  }

  private badFile(): string {
    return join(this.folder, 'bad.ndjson')
  }
}

/** Values of the division's cell that are remembered as bytes; a power of two. */
const REMEMBERED = 1_024

/** Puts the rows of one page into the runs of their divisions. */
class PageSorter {
  private readonly remembered: ({ readonly cell: Buffer; readonly run: RunHandle } | undefined)[] = new Array(
    REMEMBERED,
  )

  constructor(
    private readonly files: RunFiles,
    private readonly runFor: (cells: readonly string[]) => RunHandle,
    /** Whether equal cells may be remembered. */
    private readonly isDivision: boolean,
    private readonly delimiter: string,
    /** The page's number as one more cell. */
    private readonly suffix: Uint8Array,
  ) {}

  take(buffer: Buffer, start: number, end: number, isRegular: boolean, ranges: Int32Array): void {
    const run = this.isDivision ? this.runOfCell(buffer, ranges) : this.runOfCells(buffer, ranges)
    if (isRegular) {
      this.files.append(run, buffer, start, end, this.suffix)
      return
    }
    const strict = Buffer.from(strictRecord(buffer.toString('utf8', start, end), this.delimiter))
    this.files.append(run, strict, 0, strict.length, this.suffix)
  }

  /** Nearly all rows have one of a few divisions: these are known by the bytes of the cell. */
  private runOfCell(buffer: Buffer, ranges: Int32Array): RunHandle {
    const from = ranges[0] as number
    const to = ranges[1] as number
    let hash = to - from
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (buffer[at] as number)) | 0
    const place = hash & (REMEMBERED - 1)
    const known = this.remembered[place]
    if (known !== undefined && sameBytes(known.cell, buffer, from, to)) return known.run
    const run = this.runOfCells(buffer, ranges)
    this.remembered[place] = { cell: Buffer.from(buffer.subarray(from, to)), run }
    return run
  }

  private runOfCells(buffer: Buffer, ranges: Int32Array): RunHandle {
    const cells: string[] = []
    for (let at = 0; at < ranges.length; at += 2)
      cells.push(cellAt(buffer, ranges[at] as number, ranges[at + 1] as number))
    return this.runFor(cells)
  }
}

function sameBytes(cell: Buffer, buffer: Buffer, from: number, to: number): boolean {
  if (cell.length !== to - from) return false
  for (let at = 0; at < cell.length; at++) if (cell[at] !== buffer[from + at]) return false
  return true
}

/** Text of one cell, quotes resolved. */
function cellAt(buffer: Buffer, from: number, to: number): string {
  const text = buffer.toString('utf8', from, to)
  return text.startsWith('"') ? (cellsOf(text, '\0')[0] as string) : text
}
