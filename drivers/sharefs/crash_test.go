package sharefs_test

func chainForever(string) {}
