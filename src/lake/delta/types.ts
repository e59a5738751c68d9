import { z } from 'zod'
import type { Column, ColumnType } from '../../contracts/columns.js'

/** Types that we write, in the order of their docs. */
const OUR_TYPES = ['string', 'long', 'integer', 'double', 'boolean', 'date', 'timestamp'] as const
/** Simple types that only other writers' tables have. */
const OTHER_TYPES = ['short', 'byte', 'float', 'binary', 'timestamp_ntz'] as const

/** Digits, and digits behind the point, of an exact decimal. */
export interface DecimalType {
  readonly type: 'decimal'
  readonly precision: number
  readonly scale: number
}

export interface ArrayType {
  readonly type: 'array'
  readonly elementType: FieldType
}

export interface MapType {
  readonly type: 'map'
  readonly keyType: FieldType
  readonly valueType: FieldType
}

export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly { readonly name: string; readonly type: FieldType }[]
}

/** Every type that we read. */
export type FieldType =
  | ColumnType
  | (typeof OTHER_TYPES)[number]
  | DecimalType
  | ArrayType
  | MapType
  | StructType

/** A column of a table that another writer may have made. */
export interface Field {
  readonly name: string
  readonly type: FieldType
  readonly metadata?: Readonly<Record<string, string>>
}

const MAX_DECIMAL_DIGITS = 38 // of Delta, and of the engine

const Decimal = z
  .string()
  .regex(/^decimal\(\d+,\d+\)$/)
  .transform((text): DecimalType => {
    const [precision, scale] = (text.match(/\d+/g) ?? []).map(Number) as [number, number]
    return { type: 'decimal', precision, scale }
  })
  .refine(({ precision, scale }) => precision >= 1 && precision <= MAX_DECIMAL_DIGITS && scale <= precision)

const FieldType: z.ZodType<FieldType> = z.lazy(() =>
  z.union([
    z.enum(OUR_TYPES),
    z.enum(OTHER_TYPES),
    Decimal,
    z.object({ type: z.literal('array'), elementType: FieldType }),
    z.object({ type: z.literal('map'), keyType: FieldType, valueType: FieldType }),
    z.object({
      type: z.literal('struct'),
      fields: z.array(z.object({ name: z.string(), type: FieldType })).min(1),
    }),
  ]),
)

/** A type as Delta's schema says it; undefined when it is one that we do not read. */
export function parseFieldType(type: unknown): FieldType | undefined {
  return FieldType.safeParse(type).data
}

/** True for a column of a type that we write. */
export function isOurs(field: Field): field is Column {
  return (OUR_TYPES as readonly unknown[]).includes(field.type)
}
