import { RAW_COLUMNS } from '../contracts/columns.js'
import type { Bounds, Chunk } from '../lake/parquet/parquet-file.js'

/** What a part's file holds, as it was counted while it was written. */
export interface WrittenPart {
  readonly rows: number
  /** For each column of the file, ours included. */
  readonly columns: readonly WrittenColumn[]
  /** Ascending by page. */
  readonly pages: readonly PageContent[]
}

/** @see WrittenPart */
export interface WrittenColumn {
  readonly nulls: number
  /** The least and the greatest value as text, the first 60 characters at least; null where all is null. */
  readonly least: string | null
  readonly greatest: string | null
}

/** Rows of one page in a part, and the sum of their hashes: equal for equal rows in any order. */
export interface PageContent {
  readonly page: number
  readonly rows: number
  readonly hashes: bigint
}

/** What all groups of a part have together. */
export class PartTotals {
  rows = 0
  private readonly nulls: number[]
  private readonly text: (Bounds | undefined)[]
  private readonly numbers: ({ least: bigint; greatest: bigint } | undefined)[] = []
  private readonly pages = new Map<number, { rows: number; hashes: bigint }>()

  /** @param columns of text */
  constructor(columns: number) {
    this.nulls = Array.from({ length: columns }, () => 0)
    this.text = this.nulls.map(() => undefined)
  }

  addText(column: number, { nulls, bounds }: Chunk): void {
    this.nulls[column] = (this.nulls[column] as number) + nulls
    if (bounds === undefined) return
    const known = this.text[column] ?? bounds
    this.text[column] = {
      least: bounds.least.compare(known.least) < 0 ? bounds.least : known.least,
      greatest: bounds.greatest.compare(known.greatest) > 0 ? bounds.greatest : known.greatest,
    }
  }

  addNumbers(column: number, { bounds }: Chunk): void {
    if (bounds === undefined) return
    const value = (bytes: Buffer) =>
      bytes.length === 8 ? bytes.readBigInt64LE() : BigInt(bytes.readInt32LE())
    const [least, greatest] = [value(bounds.least), value(bounds.greatest)]
    const known = this.numbers[column] ?? { least, greatest }
    this.numbers[column] = {
      least: least < known.least ? least : known.least,
      greatest: greatest > known.greatest ? greatest : known.greatest,
    }
  }

  addPage(page: number, rows: number, hashes: bigint): void {
    const known = this.pages.get(page) ?? { rows: 0, hashes: 0n }
    this.pages.set(page, { rows: known.rows + rows, hashes: known.hashes + hashes })
  }

  written(): WrittenPart {
    const texts = this.text.map(
      (bounds, column): WrittenColumn => ({
        nulls: this.nulls[column] as number,
        least: bounds ? shownText(bounds.least) : null,
        greatest: bounds ? shownText(bounds.greatest) : null,
      }),
    )
    const numbers = RAW_COLUMNS.map((_column, at): WrittenColumn => {
      const bounds = this.numbers[texts.length + at]
      return {
        nulls: 0,
        least: bounds?.least.toString() ?? null,
        greatest: bounds?.greatest.toString() ?? null,
      }
    })
    const pages = [...this.pages].map(([page, content]) => ({ page, ...content }))
    return { rows: this.rows, columns: [...texts, ...numbers], pages: pages.sort((a, b) => a.page - b.page) }
  }
}

/** Bytes that hold more characters than anybody shows of a bound. */
const SHOWN_BYTES = 256

function shownText(bound: Buffer): string {
  return bound.toString('utf8', 0, SHOWN_BYTES)
}
