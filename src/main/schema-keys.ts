import { z } from 'zod'

/** Keys that an object schema knows at a path, or none where the path leads to no object. */
export function knownKeysAt(schema: z.core.$ZodType, path: readonly string[]): string[] {
  let current: z.core.$ZodType | undefined = schema
  for (const step of path) current = current && stepInto(unwrap(current), step)
  const target = current && unwrap(current)
  return target instanceof z.ZodObject ? Object.keys(target.shape) : []
}

function stepInto(schema: z.core.$ZodType, step: string): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodObject) return schema.shape[step]
  if (schema instanceof z.ZodRecord) return schema.valueType
  if (schema instanceof z.ZodArray) return schema.element
  return undefined
}

/** The schema inside defaults and optionals; of alternatives the object. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.def.innerType)
  }
  if (schema instanceof z.ZodUnion) {
    return schema.options.map(unwrap).find((option) => option instanceof z.ZodObject) ?? schema
  }
  return schema
}
