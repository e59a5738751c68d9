import { z } from 'zod'

/**
 * Keys that an object schema knows at a path, or none where the path leads to no object.
 * @param values what was read: of alternatives, the one that the values there belong to counts
 */
export function knownKeysAt(
  schema: z.core.$ZodType,
  path: readonly string[],
  values: unknown = undefined,
): string[] {
  let current: z.core.$ZodType | undefined = schema
  let value = values
  for (const step of path) {
    current = current && stepInto(unwrap(current, value), step)
    value = (value as Record<string, unknown> | null | undefined)?.[step]
  }
  const target = current && unwrap(current, value)
  return target instanceof z.ZodObject ? Object.keys(target.shape) : []
}

function stepInto(schema: z.core.$ZodType, step: string): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[step]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return undefined
}

/** The schema inside defaults and optionals; of alternatives the one of these values, else the first object. */
function unwrap(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType, value)
  }
  if (schema instanceof z.ZodUnion) {
    const objects = schema.options.map((option) => unwrap(option, value)).filter(isObject)
    return objects.find((option) => isMeant(option, schema, value)) ?? objects[0] ?? schema
  }
  return schema
}

function isObject(schema: z.core.$ZodType): schema is z.ZodObject {
  return schema instanceof z.ZodObject
}

/** True for the alternative whose distinguishing member has the value that was read. */
function isMeant(option: z.ZodObject, union: z.ZodUnion, value: unknown): boolean {
  if (!(union instanceof z.ZodDiscriminatedUnion)) return false
  const name = union.def.discriminator
  return option.shape[name]?.safeParse((value as Record<string, unknown> | null)?.[name]).success ?? false
}
