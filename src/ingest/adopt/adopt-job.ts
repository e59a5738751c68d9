import type { PartsConfig } from '../../contracts/city-file.js'
import type { Column } from '../../contracts/columns.js'
import type { NewFile } from '../../lake/delta/table.js'
import type { LivePart } from '../write-job.js'

/** Where the originals lie: somebody's folder or bucket, or a folder of this lake (`from` is undefined then). */
export interface OriginalsPlace {
  readonly from?: string
  /** What stands before each file's path to make its key: empty, or the raw table's own folder. */
  readonly root: string
}

/** A column as its file has it: name and engine type. */
export type LayoutColumn = readonly [name: string, type: string]

/** What a file's bytes and its footer say. */
export interface SurveyedFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly rows: number
  readonly layout: readonly LayoutColumn[]
  /** Bytes of its pages when they are decompressed, and of the largest row group: what a reader holds at once. */
  readonly uncompressedBytes: number
  readonly rowGroupBytes: number
}

export interface SurveyJob extends OriginalsPlace {
  readonly paths: readonly string[]
}

/** One file as the worker is to read it. */
export interface FileInput {
  readonly page: number
  readonly path: string
  readonly sha256: string
  readonly rows: number
  readonly rowGroupBytes: number
  /** Columns of the file that go into the table. */
  readonly cells: readonly { readonly column: string; readonly from: string; readonly type: string }[]
  /** Table columns whose value stands in the path. */
  readonly folder: Readonly<Record<string, string | null>>
  /** Columns of the file that repeat what its path says. */
  readonly repeated: readonly {
    readonly from: string
    readonly type: string
    readonly value: string | null
  }[]
}

/** The files of one division. */
export interface DivisionFiles {
  readonly division: string
  readonly files: readonly FileInput[]
  readonly rows: number
  readonly bytes: number
}

/** A few divisions, worked one after the other in one process. */
export interface AdoptJob extends OriginalsPlace {
  readonly table: string
  readonly snapshot: number
  readonly partitionColumn: string
  /** The publisher's columns of the table: all text, or typed where files are registered. */
  readonly columns: readonly Column[]
  readonly key: string | undefined
  readonly budget: PartsConfig
  /** Whether files may stay as they are. */
  readonly registers: boolean
  readonly divisions: readonly DivisionFiles[]
  readonly live: readonly LivePart[]
}

/** What became of a division: its rows are those of `parts` and `kept` together. */
export interface AdoptedDivision {
  readonly division: string
  readonly rows: number
  readonly parts: readonly NewFile[]
  readonly kept: readonly { readonly division: string; readonly sha256: string }[]
  /** Files that stayed as they are. */
  readonly registered: number
  /** Files whose rows were copied. */
  readonly copied: number
}
