import { stat } from 'node:fs/promises'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import { type Engine, LEAN, withEngine } from '../../lake/duckdb/engine.js'
import { literal } from '../../lake/duckdb/sql.js'
import { NANOSECONDS } from '../../lake/duckdb/text-cell.js'
import { sha256OfFile } from '../../lake/parts.js'
import type { ObjectStore, Originals } from '../../lake/store.js'
import type { LayoutColumn, SurveyedFile, SurveyJob } from './adopt-job.js'
import { keyOf, type OpenOriginals, originalsOf } from './originals.js'

/**
 * The part worker that looks at files: digests of their bytes, and what their footers say. No row is read.
 * @throws WardbookError 'parquet-unreadable' (fix-source) naming the first file that is no whole Parquet file
 */
export async function surveyFiles(
  store: ObjectStore,
  job: SurveyJob,
  open: OpenOriginals,
): Promise<SurveyedFile[]> {
  const originals = await originalsOf(store, job, open)
  const scratch = await store.scratch()
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const surveyed: SurveyedFile[] = []
      for (const path of job.paths) surveyed.push(await surveyFile(engine, originals, job, path))
      return surveyed
    })
  } finally {
    await scratch.remove()
  }
}

async function surveyFile(
  engine: Engine,
  originals: Originals,
  job: SurveyJob,
  path: string,
): Promise<SurveyedFile> {
  const staged = await originals.stage(keyOf(job, path))
  try {
    const { size: bytes } = await stat(staged.file)
    const sha256 = await sha256OfFile(staged.file)
    return { path, sha256, bytes, ...(await readFooter(engine, staged.file, path)) }
  } finally {
    await staged.release()
  }
}

async function readFooter(engine: Engine, file: string, path: string) {
  try {
    const layout = await layoutOf(engine, file)
    const [size] = await engine.rows<{ total: number; largest: number }>(
      'SELECT coalesce(sum(bytes), 0)::BIGINT AS total, coalesce(max(bytes), 0)::BIGINT AS largest FROM ' +
        `(SELECT sum(total_uncompressed_size) AS bytes FROM parquet_metadata(${literal(file)}) GROUP BY row_group_id)`,
    )
    const [meta] = await engine.rows<{ rows: number }>(
      `SELECT num_rows AS rows FROM parquet_file_metadata(${literal(file)})`,
    )
    return {
      layout,
      rows: meta?.rows ?? 0,
      uncompressedBytes: size?.total ?? 0,
      rowGroupBytes: size?.largest ?? 0,
    }
  } catch (cause) {
    const reason = asWardbookError(cause).message.replaceAll(file, path).split('\n')[0]
    throw new WardbookError(
      'parquet-unreadable',
      'fix-source',
      `${path} is no Parquet file that can be read: ${reason}; nothing was committed`,
      { file: path },
      { cause },
    )
  }
}

async function layoutOf(engine: Engine, file: string): Promise<LayoutColumn[]> {
  const columns = await engine.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM read_parquet(${literal(file)}, hive_partitioning = false)`,
  )
  const fine = await engine.rows<{ name: string }>(
    `SELECT name FROM parquet_schema(${literal(file)}) WHERE logical_type::VARCHAR LIKE '%NANOS%' OR type = 'INT96'`,
  )
  const nanoseconds = new Set(fine.map(({ name }) => name))
  return columns.map(({ column_name, column_type }) => {
    const isInstant = column_type === 'TIMESTAMP WITH TIME ZONE' && nanoseconds.has(column_name)
    return [column_name, isInstant ? column_type + NANOSECONDS : column_type]
  })
}
