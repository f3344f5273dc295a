throw new Error(
  '`prisma dev` does not work in this repository: its tests start servers of their own',
)
