/// What the demo runs: a correlation matrix from the caller's data, and a chart of it.
enum DemoSnippet {
    static let contextData = """
        {"temperature": [14, 16, 19, 22, 25, 28, 31, 30, 26, 21, 17, 14],
         "ice_cream":   [20, 26, 34, 47, 60, 75, 90, 86, 62, 41, 28, 22],
         "umbrellas":   [70, 66, 58, 49, 38, 27, 15, 18, 35, 50, 63, 71]}
        """

    static let code = """
        import json
        import matplotlib.pyplot as plt
        import pandas as pd

        data = pd.DataFrame(json.loads(context_data))
        correlation = data.corr()
        print(correlation.round(2))

        figure, axes = plt.subplots(figsize=(5, 4))
        image = axes.imshow(correlation, vmin=-1, vmax=1, cmap="coolwarm")
        axes.set_xticks(range(len(correlation)), correlation.columns)
        axes.set_yticks(range(len(correlation)), correlation.columns)
        for row in range(len(correlation)):
            for column in range(len(correlation)):
                axes.text(column, row, f"{correlation.iat[row, column]:.2f}", ha="center", va="center")
        figure.colorbar(image)
        axes.set_title("What sells when it is warm")
        plt.show()
        """
}
