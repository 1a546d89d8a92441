select exists (select from job where blocked)
